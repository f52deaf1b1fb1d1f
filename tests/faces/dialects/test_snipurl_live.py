"""SnipURL's wire format: links with their numbers."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from calls import NO_CLICKS, dialect_client
from factories import Access, Server

MICROSECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace()


@pytest.fixture
def client(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with dialect_client(server, "snipurl-live", access) as client:
        yield client


def test_a_link_is_made_and_shown(server: Server, client: httpx2.Client) -> None:
    sent = {
        "original_url": "https://example.com/",
        "custom_code": "my-link",
        "description": "Mine",
        "domain": server.url,
    }
    made = client.post("/links", json={**sent, "password": "secret", "expiry_date": "2099-12-31T23:59:59Z"})
    assert (made.status_code, made.json()["message"]) == (201, "Short link created successfully")
    link = made.json()["data"]
    assert re.fullmatch(MICROSECONDS, link["created_at"])
    assert {**link, "id": 0, "created_at": ""} == {
        "id": 0,
        "original_url": "https://example.com/",
        "short_url": f"{server.url}/my-link",
        "short_code": "my-link",
        "clicks": 0,
        "expiry_date": "2099-12-31T23:59:59.000000Z",
        "has_password": True,
        "description": "Mine",
        "created_at": "",
        "qr_code_url": f"{server.url}/qr/my-link",
    }
    assert httpx2.get(link["qr_code_url"], trust_env=False).headers["content-type"] == "image/svg+xml"
    del link["qr_code_url"]
    shown = client.get("/links/my-link")
    assert shown.json() == {"success": True, "data": {**link, "is_active": True, "analytics": NO_CLICKS}}


def test_links_are_listed_15_a_page(client: httpx2.Client) -> None:
    for _ in range(16):
        client.post("/links", json={"original_url": "https://example.com/"})
    first, second = client.get("/links").json(), client.get("/links?per_page=15&page=2").json()
    assert (first["success"], len(first["data"]), len(second["data"])) == (True, 15, 1)
    assert second["meta"] == {"page": 2, "per_page": 15, "total": 16, "total_pages": 2}


def test_a_link_is_changed_and_deleted(server: Server, client: httpx2.Client) -> None:
    client.post("/links", json={"original_url": "https://example.com/", "custom_code": "old", "description": "Mine"})
    changed = client.put("/links/old", json={"original_url": "https://example.com/2", "custom_code": "new"})
    assert (changed.status_code, changed.json()["success"]) == (200, True)
    assert server.visit("new").headers["location"] == "https://example.com/2"
    # What was left out stays.
    assert client.get("/links/new").json()["data"]["description"] == "Mine"
    gone = client.delete("/links/new")
    assert (gone.status_code, gone.json()["success"]) == (200, True)
    missing = client.get("/links/new")
    assert (missing.status_code, missing.json()["success"]) == (404, False)


def test_bad_input_names_the_field_as_its_sender_does(client: httpx2.Client) -> None:
    bad = {"original_url": "https://example.com/", "custom_code": "api", "expiry_date": "soon"}
    answer = client.post("/links", json=bad)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["expiry_date"])
    del bad["expiry_date"]
    answer = client.post("/links", json=bad)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["custom_code"])
    assert client.get("/links").json()["data"] == []


def test_without_a_token_nothing_is_done(server: Server) -> None:
    with dialect_client(server, "snipurl-live") as client:
        answer = client.post("/links", json={"original_url": "https://example.com/"})
    assert (answer.status_code, answer.json()["success"]) == (401, False)
