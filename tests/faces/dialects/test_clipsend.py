"""ClipSend's wire format: secrets, reserved slugs and the month's calls."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest

from calls import at_once, dialect_client
from factories import Access, Server, start_server
from shortmcp.core.context import Scope
from shortmcp.settings import Settings


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace(plan="pro")


@pytest.fixture
def client(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with dialect_client(server, "clipsend", access) as client:
        yield client


def test_a_secret_is_made_listed_and_burnt(server: Server, client: httpx2.Client, access: Access) -> None:
    made = client.post("/links", json={"content": "Mi mensaje secreto", "max_uses": 2, "slug": "mi-slug"})
    assert made.json() == {"success": True, "link": f"{server.url}/mi-slug", "slug": "mi-slug", "max_uses": 2}
    with server.client(access) as native:
        native.post("/reserved-codes", json={"short_code": "mi-marca"})
    listed = client.get("/links")
    links = listed.json()["links"]
    moments = [link.pop("created_at") for link in links.values()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", moment) for moment in moments)
    assert links == {
        "mi-slug": {
            "type": "link", "slug": "mi-slug", "current_uses": 0, "remaining_uses": 2, "max_uses": 2,
            "url": f"{server.url}/mi-slug",
        },
        "mi-marca": {"type": "reserved", "slug": "mi-marca", "url": f"{server.url}/mi-marca", "is_paid": True},
    }  # fmt: skip
    read = client.get("/links", params={"slug": "mi-slug"})
    assert read.headers["cache-control"] == "no-store"
    assert read.json() == {
        "success": True, "content": "Mi mensaje secreto", "remaining_uses": 1, "slug": "mi-slug"
    }  # fmt: skip
    assert client.get("/links").json()["links"]["mi-slug"]["current_uses"] == 1
    assert client.get("/links?slug=mi-slug").json()["remaining_uses"] == 0
    gone = client.get("/links?slug=mi-slug")
    assert (gone.status_code, gone.json()["success"], "Mi mensaje" in gone.text) == (410, False, False)
    assert client.get("/links").json()["links"].keys() == {"mi-marca"}


def test_a_use_is_taken_once_however_many_ask(client: httpx2.Client) -> None:
    client.post("/links", json={"content": "once", "slug": "once"})
    answers = at_once(*[lambda: client.get("/links?slug=once")] * 20)
    assert sorted(answer.status_code for answer in answers) == [200, *[410] * 19]


def test_nothing_but_get_takes_a_use(client: httpx2.Client) -> None:
    client.post("/links", json={"content": "kept", "slug": "kept"})
    assert client.head("/links?slug=kept").status_code == 405
    assert client.get("/links?slug=kept").json()["content"] == "kept"


def test_a_read_only_key_lists_and_uses_nothing_up(server: Server, access: Access, client: httpx2.Client) -> None:
    client.post("/links", json={"content": "kept", "slug": "kept"})
    with dialect_client(server, "clipsend", server.add_token(access, Scope.READ)) as reader:
        assert reader.get("/links").json()["links"].keys() == {"kept"}
        assert reader.get("/links?slug=kept").status_code == 403
    assert client.get("/links?slug=kept").json()["content"] == "kept"


def test_long_lists_are_whole(server: Server, client: httpx2.Client) -> None:
    slugs = {client.post("/links", json={"content": "x", "slug": f"s-{number}"}).json()["slug"] for number in range(31)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shortmcp.faces.dialects.dialect.MAX_SIZE", 10)
        assert client.get("/links").json()["links"].keys() == slugs


@pytest.mark.parametrize(
    "body",
    [{}, {"content": ""}, {"content": "x", "max_uses": 3}, {"content": "x", "max_uses": "1"}, {"content": 5},
     {"content": "x", "slug": "api"}],
)  # fmt: skip
def test_bad_input_is_a_400_and_stores_nothing(client: httpx2.Client, body: dict[str, object]) -> None:
    answer = client.post("/links", json=body)
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert "`" in answer.json()["error"]
    assert client.get("/links").json()["links"] == {}


def test_the_month_s_calls_are_counted(server: Server, client: httpx2.Client) -> None:
    first, second = client.get("/usage").json(), client.get("/usage").json()
    assert first == {"success": True, "calls_this_month": 1, "limit": 100_000, "remaining": 99_999}
    assert second["calls_this_month"] == 2
    with dialect_client(server, "clipsend", server.open_workspace(plan="unlimited")) as unlimited:
        assert unlimited.get("/usage").json()["limit"] == 2**31 - 1


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_the_key_is_taken_from_its_header_alone(server: Server, access: Access, header: str) -> None:
    value = f"Bearer {access.token}" if header == "Authorization" else access.token
    with dialect_client(server, "clipsend") as client:
        answer = client.get("/usage", headers={header: value})
    assert answer.status_code == (200 if header == "X-API-Key" else 401)


def test_contents_are_listed_only_where_the_operator_lets_them(settings: Settings) -> None:
    with ExitStack() as stack:
        server = start_server(settings.model_copy(update={"clipsend_content": True}), stack)
        access, other = server.open_workspace(), server.open_workspace()
        with dialect_client(server, "clipsend", access) as client, server.client(access) as native:
            client.post("/links", json={"content": "to be seen", "slug": "plain", "max_uses": 2})
            native.post("/secrets", json={"content": "hidden", "slug": "locked", "passphrase": "open sesame"})
            listed = client.get("/links")
            assert listed.headers["cache-control"] == "no-store"
            links = listed.json()["links"]
            assert links["plain"]["content"] == "to be seen"
            assert "content" not in links["locked"]
            # Seen and not used up.
            assert links["plain"]["remaining_uses"] == 2
        with dialect_client(server, "clipsend", other) as client:
            assert client.get("/links").json()["links"] == {}
