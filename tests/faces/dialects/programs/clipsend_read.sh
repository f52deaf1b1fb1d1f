curl -sS "BASE_URL/links?slug=SLUG" -H "X-API-Key: API_KEY"
