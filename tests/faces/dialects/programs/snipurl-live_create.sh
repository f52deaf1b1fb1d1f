curl -sS -X POST "BASE_URL/links" \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer API_KEY" \
  -d '{"original_url": "https://example.com", "custom_code": "made-by-curl"}'
