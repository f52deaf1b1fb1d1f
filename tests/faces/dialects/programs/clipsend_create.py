import requests

answer = requests.post(
    "BASE_URL/links",
    headers={"X-API-Key": "API_KEY", "Content-Type": "application/json"},
    json={"content": "The door code is 4711", "max_uses": 1, "slug": "door-py"},
)
print(answer.json()["link"])
