"""What SnipURL's clients make without a token, where the settings name a workspace for it."""

from collections.abc import Iterator

import httpx2
import pytest

from calls import dialect_client, make_link, make_paste
from factories import Access, Server
from shortmcp.core.context import Scope
from shortmcp.core.guesses import PER_STRANGER
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import create_workspace, set_plan, suspend_workspace
from shortmcp.settings import Settings

LINK = {"original_url": "https://example.com/"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"anonymous_workspace": "public"})


@pytest.fixture
def public(server: Server) -> Access:
    """The workspace that strangers make things in."""
    with server.begin() as ctx:
        workspace = create_workspace(ctx, "Public", "unlimited")
        token, shown = create_token(ctx, workspace.slug, "owner", Scope.WRITE)
    return Access(workspace.id or 0, workspace.slug, shown, token.id or 0)


@pytest.fixture
def stranger(server: Server) -> Iterator[httpx2.Client]:
    with dialect_client(server, "snipurl-live") as client:
        yield client


def test_strangers_make_links_and_pastes_and_read_pastes(
    server: Server, public: Access, stranger: httpx2.Client
) -> None:
    link = stranger.post("/links", json={**LINK, "custom_code": "from-nobody"})
    assert link.status_code == 201
    assert server.visit("from-nobody").headers["location"] == "https://example.com/"
    paste = stranger.post("/pastes", json={"content": "Hello", "password": "open sesame"}).json()["data"]
    path = f"/pastes/{paste['paste_code']}"
    assert stranger.get(path).json()["data"]["content"] is None
    assert stranger.get(f"{path}/raw").status_code == 403
    verified = stranger.post(f"{path}/verify-password", json={"password": "open sesame"})
    assert verified.json()["data"]["content"] == "Hello"
    with server.client(public) as owner:
        assert [one["short_code"] for one in owner.get("/links").json()["data"]] == ["from-nobody"]


def test_strangers_do_nothing_else(server: Server, public: Access, stranger: httpx2.Client) -> None:
    with server.client(public) as owner:
        owner.post("/projects", json={"name": "Ours"})
        make_link(owner, short_code="ours")
    calls = [("GET", "/links"), ("GET", "/links/ours"), ("PUT", "/links/ours"), ("DELETE", "/links/ours")]
    for method, path in calls:
        assert (path, stranger.request(method, path).status_code) == (path, 401)
    with dialect_client(server, "slsh") as other:
        assert other.post("/links", json={"url": "https://example.com/"}).status_code == 401


def test_strangers_read_no_other_workspace_s_pastes(server: Server, public: Access, stranger: httpx2.Client) -> None:
    with server.client(server.open_workspace()) as other:
        code = make_paste(other)["paste_code"]
    for path in (f"/pastes/{code}", f"/pastes/{code}/raw"):
        foreign, nothing = stranger.get(path), stranger.get(path.replace(code, "neverwas"))
        assert (foreign.status_code, foreign.content) == (404, nothing.content)


def test_a_bad_token_is_no_stranger(public: Access, stranger: httpx2.Client) -> None:
    assert stranger.post("/links", json=LINK, headers={"Authorization": "Bearer 1|no"}).status_code == 401


def test_one_address_makes_so_many_an_hour_and_others_go_on(public: Access, stranger: httpx2.Client) -> None:
    # The server's trusted proxy is the test: it may say where strangers come from.
    def make(address: str) -> httpx2.Response:
        return stranger.post("/links", json=LINK, headers={"X-Forwarded-For": address})

    assert {make("198.51.100.7").status_code for _ in range(PER_STRANGER.tries)} == {201}
    refused = make("198.51.100.7")
    assert (refused.status_code, "links" in refused.json()["message"]) == (429, True)
    assert 1 <= int(refused.headers["retry-after"]) <= 3600
    assert make("198.51.100.8").status_code == 201
    # Pastes are counted apart.
    made = stranger.post("/pastes", json={"content": "x"}, headers={"X-Forwarded-For": "198.51.100.7"})
    assert made.status_code == 201


def test_a_key_of_one_stranger_is_none_of_another(public: Access, stranger: httpx2.Client) -> None:
    made = [stranger.post("/links", json=LINK, headers={"Idempotency-Key": "k"}).json()["data"] for _ in range(2)]
    assert made[0]["short_code"] != made[1]["short_code"]


@pytest.mark.parametrize("why", ["missing", "suspended", "free"])
def test_without_a_workspace_that_may_nothing_is_made(server: Server, stranger: httpx2.Client, why: str) -> None:
    if why != "missing":
        with server.begin() as ctx:
            workspace = create_workspace(ctx, "Public", "unlimited")
            if why == "free":
                set_plan(ctx, workspace.slug, "free")
            else:
                suspend_workspace(ctx, workspace.slug, suspended=True)
    answer = stranger.post("/links", json=LINK)
    assert (answer.status_code, answer.json()["success"]) == (401 if why == "missing" else 403, False)
