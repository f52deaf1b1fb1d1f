<?php
$secret = json_encode(["content" => "The door code is 4711", "max_uses" => 1, "slug" => "door-php"]);
$call = curl_init();
curl_setopt_array($call, [
    CURLOPT_URL => "BASE_URL/links",
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => $secret,
    CURLOPT_HTTPHEADER => ["X-API-Key: API_KEY", "Content-Type: application/json"],
]);
echo json_decode(curl_exec($call), true)["link"];
