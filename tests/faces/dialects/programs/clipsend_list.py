import requests

answer = requests.get("BASE_URL/links", headers={"X-API-Key": "API_KEY"})
print(answer.json())
