"""snipurl.click's wire format: the list of links."""

import re
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest

from calls import dialect_client, make_link
from factories import Access, Server


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace()


@pytest.fixture
def client(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with dialect_client(server, "snipurl-click", access) as client:
        yield client


def test_a_link_is_shown_as_its_clients_know_it(server: Server, access: Access, client: httpx2.Client) -> None:
    with server.client(access) as native:
        make_link(native, short_code="team-doc", title="Team", password="x", expires_at="2099-12-31T23:59:59Z")
    answer = client.get("/links").json()
    (link,) = answer["data"]
    moments = [link.pop(name) for name in ("created_at", "updated_at")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment) for moment in moments)
    identifier = link.pop("id")
    assert str(UUID(identifier)) == identifier
    assert client.get("/links").json()["data"][0]["id"] == identifier
    assert link == {
        "short_code": "team-doc",
        "short_url": f"{server.url}/team-doc",
        "original_url": "https://example.com/page",
        "title": "Team",
        "is_active": True,
        "has_password": True,
        "expires_at": "2099-12-31T23:59:59.000Z",
        "clicks_count": 0,
        "analytics_public": False,
    }
    assert {**answer, "data": []} == {
        "success": True, "data": [], "meta": {"page": 1, "per_page": 20, "total": 1, "total_pages": 1}
    }  # fmt: skip


def test_pages_search_and_filter(server: Server, access: Access, client: httpx2.Client) -> None:
    with server.client(access) as native:
        for number in range(5):
            make_link(native, short_code=f"code-{number}", title=f"100%_{number}", is_active=number != 3)

    def codes(**asked: str | int) -> list[str]:
        answer = client.get("/links", params=asked)
        assert answer.status_code == 200, answer.text
        return [link["short_code"] for link in answer.json()["data"]]

    assert codes(per_page=2) == ["code-4", "code-3"]
    assert codes(per_page=2, page=3) == ["code-0"]
    assert client.get("/links?per_page=2&page=3").json()["meta"] == {
        "page": 3, "per_page": 2, "total": 5, "total_pages": 3
    }  # fmt: skip
    assert codes(search="%_2") == ["code-2"]
    assert codes(search="") == codes()
    assert codes(is_active="false") == ["code-3"]
    assert codes(is_active="true", search="code") == ["code-4", "code-2", "code-1", "code-0"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"page": "0"}, "page"),
        ({"page": "x"}, "page"),
        ({"per_page": "101"}, "per_page"),
        ({"per_page": "0"}, "per_page"),
        ({"is_active": "yes"}, "is_active"),
        ({"search": "x" * 300}, "search"),
    ],
)
def test_bad_parameters_are_a_validation_error(client: httpx2.Client, asked: dict[str, str], field: str) -> None:
    answer = client.get("/links", params=asked)
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert list(answer.json()["error"]["details"]) == [field]


def test_without_a_key_nothing_is_told(server: Server) -> None:
    with dialect_client(server, "snipurl-click") as client:
        answer = client.get("/links")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
