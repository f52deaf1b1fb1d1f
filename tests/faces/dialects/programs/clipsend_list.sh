curl -sS "BASE_URL/links" -H "X-API-Key: API_KEY"
