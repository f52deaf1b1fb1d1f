import requests

answer = requests.get(
    "BASE_URL/links",
    headers={"Authorization": "Bearer API_KEY"},
    params={"page": 1, "per_page": 20},
)
found = answer.json()
print(f"{len(found['data'])} of {found['meta']['total']}")
