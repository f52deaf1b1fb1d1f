<?php
$call = curl_init();
curl_setopt_array($call, [
    CURLOPT_URL => "BASE_URL/usage",
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ["X-API-Key: API_KEY"],
]);
$usage = json_decode(curl_exec($call), true);
echo $usage["calls_this_month"] . " of " . $usage["limit"];
