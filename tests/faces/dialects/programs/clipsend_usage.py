import requests

answer = requests.get("BASE_URL/usage", headers={"X-API-Key": "API_KEY"})
usage = answer.json()
print(f"{usage['calls_this_month']} of {usage['limit']}")
