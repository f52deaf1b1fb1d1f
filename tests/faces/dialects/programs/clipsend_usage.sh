curl -sS "BASE_URL/usage" -H "X-API-Key: API_KEY"
