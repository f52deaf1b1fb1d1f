curl -sS -X POST "BASE_URL/links" \
  -H "X-API-Key: API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"content": "The door code is 4711", "max_uses": 1, "slug": "door-sh"}'
