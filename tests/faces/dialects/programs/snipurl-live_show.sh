curl -sS -X GET "BASE_URL/links/first" -H "Authorization: Bearer API_KEY"
