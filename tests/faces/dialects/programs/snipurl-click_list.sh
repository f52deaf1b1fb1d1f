curl -sS "BASE_URL/links?page=1&per_page=20" -H "Authorization: Bearer API_KEY"
curl -sS "BASE_URL/links?search=github" -H "Authorization: Bearer API_KEY"
curl -sS "BASE_URL/links?is_active=false" -H "Authorization: Bearer API_KEY"
curl -sS "BASE_URL/links?per_page=100&search=docs" -H "Authorization: Bearer API_KEY"
