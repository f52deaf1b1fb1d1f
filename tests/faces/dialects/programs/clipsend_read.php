<?php
$call = curl_init();
curl_setopt_array($call, [
    CURLOPT_URL => "BASE_URL/links?slug=SLUG",
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ["X-API-Key: API_KEY"],
]);
echo json_decode(curl_exec($call), true)["content"];
