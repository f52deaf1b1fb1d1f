import requests

answer = requests.get("BASE_URL/links", params={"slug": "SLUG"}, headers={"X-API-Key": "API_KEY"})
print(answer.json()["content"])
