"""slsh.me's wire format: plain objects, pages in headers, words for errors."""

from collections.abc import Iterator

import httpx2
import pytest

from calls import dialect_client, make_link
from factories import Access, Server
from rows import insert_links
from shortmcp.core.context import Scope

LINK = {
    "slug": "my-link",
    "url": "https://example.com/long?a=1",
    "has_password": True,
    "expires_at": "2099-01-01T00:00:00+00:00",
    "max_clicks": 5,
    "og_title": "Title",
    "og_description": "Text",
    "mask": False,
    "notify_on_mask_break": False,
    "clicks_count": 0,
}


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace()


@pytest.fixture
def slsh(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with dialect_client(server, "slsh", access) as client:
        yield client


def test_a_link_is_made_shown_changed_and_deleted(server: Server, slsh: httpx2.Client) -> None:
    sent = {key: LINK[key] for key in ("slug", "url", "max_clicks", "og_title", "og_description")}
    made = slsh.post("/links", json={**sent, "password": "open sesame", "expires_at": "2099-01-01T00:00:00Z"})
    link = made.json()
    assert made.status_code == 201
    assert {key: link[key] for key in LINK} == LINK
    assert link["short_url"] == f"{server.url}/my-link"
    assert "open sesame" not in made.text
    assert slsh.get("/links/my-link").json() == link
    changed = slsh.patch("/links/my-link", json={"url": "https://example.com/new", "slug": "other", "max_clicks": None})
    assert changed.status_code == 200
    # The slug stays, whatever the body says.
    assert changed.json() == {
        **link, "url": "https://example.com/new", "max_clicks": None, "updated_at": changed.json()["updated_at"]
    }  # fmt: skip
    assert slsh.get("/links/other").status_code == 404
    gone = slsh.delete("/links/my-link")
    assert (gone.status_code, gone.content) == (204, b"")
    assert slsh.get("/links/my-link").json()["error"] == "not_found"


def test_a_slug_is_made_where_none_is_given_and_null_is_as_if_left_out(server: Server, slsh: httpx2.Client) -> None:
    made = slsh.post("/links", json={"url": "https://example.com/", "slug": None, "password": None, "colour": "red"})
    assert made.status_code == 201
    assert server.visit(made.json()["slug"]).headers["location"] == "https://example.com/"


def test_pages_are_told_in_headers(server: Server, access: Access, slsh: httpx2.Client) -> None:
    with server.client(access) as native:
        project = make_link(native, short_code="first")["project_id"]
    mine = {"workspace_id": access.workspace_id, "project_id": project}
    with server.node.database.write() as connection:
        insert_links(connection, ({**mine, "short_code": f"code-{number}"} for number in range(249)))
    root = f"{server.url}/compat/slsh/v1/links"
    first, last = slsh.get("/links"), slsh.get("/links?page=3")
    assert first.headers["x-total-count"] == "250"
    assert first.headers["link"] == (
        f'<{root}?page=2>; rel="next", <{root}?page=1>; rel="first", <{root}?page=3>; rel="last"'
    )
    assert [len(first.json()), len(last.json())] == [100, 50]
    assert last.json()[-1]["slug"] == "first"
    assert last.headers["link"] == (
        f'<{root}?page=2>; rel="prev", <{root}?page=1>; rel="first", <{root}?page=3>; rel="last"'
    )
    # Whoever follows `next` to its end has seen every link once, newest first.
    url, slugs = "/links", list[str]()
    while url:
        answer = slsh.get(url)
        slugs += [link["slug"] for link in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
    assert len(slugs) == len(set(slugs)) == 250


def test_clicks_are_listed(server: Server, slsh: httpx2.Client) -> None:
    slsh.post("/links", json={"url": "https://example.com/", "slug": "seen"})
    for _ in range(2):
        server.visit("seen", referer="https://news.example.org/a?b=c")
    while (answer := slsh.get("/links/seen/clicks")).headers["x-total-count"] != "2":
        assert answer.status_code == 200
    assert {click["referrer"] for click in answer.json()} == {"https://news.example.org/a"}
    root = f"{server.url}/compat/slsh/v1/links/seen/clicks"
    assert answer.headers["link"] == f'<{root}?page=1>; rel="first", <{root}?page=1>; rel="last"'
    assert slsh.get("/links/unknown/clicks").status_code == 404


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer 1|wrong", "Basic abc"])
def test_a_bad_token_is_told_in_one_word(server: Server, key: str) -> None:
    with dialect_client(server, "slsh") as client:
        answer = client.get("/links", headers={"Authorization": key} if key else {})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://example.com/", "slug": "api"}, "slug"),
        ({"url": "https://example.com/", "expires_at": "tomorrow"}, "expires_at"),
        ({"url": "https://example.com/", "max_clicks": 0}, "max_clicks"),
    ],
)
def test_bad_input_names_the_field_as_its_sender_does(slsh: httpx2.Client, body: dict[str, object], field: str) -> None:
    answer = slsh.post("/links", json=body)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_params")
    assert list(answer.json()["errors"]) == [field]
    assert f"`{field}`" in answer.json()["message"]
    assert slsh.get("/links").json() == []


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.0", "9" * 30, ""])
def test_a_bad_page_is_refused(slsh: httpx2.Client, page: str) -> None:
    answer = slsh.get("/links", params={"page": page})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["page"])


def test_masking_needs_a_plan(server: Server) -> None:
    with dialect_client(server, "slsh", server.open_workspace(plan="basic")) as client:
        answer = client.post("/links", json={"url": "https://example.com/", "mask": True})
    assert (answer.status_code, answer.json()["error"]) == (422, "plan_limit")


def test_a_workspace_with_several_projects_or_none_gets_links_too(server: Server, access: Access) -> None:
    with server.client(access) as native, dialect_client(server, "slsh", access) as client:
        oldest = native.get("/projects").json()["data"][0]["id"]
        native.post("/projects", json={"name": "Second"})
        slug = client.post("/links", json={"url": "https://example.com/"}).json()["slug"]
        assert native.get(f"/links/{slug}").json()["data"]["project_id"] == oldest
        for project in native.get("/projects").json()["data"]:
            native.delete(f"/projects/{project['id']}")
        slug = client.post("/links", json={"url": "https://example.com/"}).json()["slug"]
        assert native.get(f"/links/{slug}").json()["data"]["title"] == "example.com"
        assert [project["name"] for project in native.get("/projects").json()["data"]] == ["default"]


def test_a_retry_with_the_same_key_makes_no_second_link(slsh: httpx2.Client) -> None:
    made = [
        slsh.post("/links", json={"url": "https://example.com/"}, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert made[0].json() == made[1].json()
    assert slsh.get("/links").headers["x-total-count"] == "1"


def test_a_read_only_token_reads(server: Server, access: Access, slsh: httpx2.Client) -> None:
    slsh.post("/links", json={"url": "https://example.com/", "slug": "mine"})
    with dialect_client(server, "slsh", server.add_token(access, Scope.READ)) as reader:
        assert reader.get("/links/mine").status_code == 200
        answer = reader.patch("/links/mine", json={"url": "https://example.com/2"})
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
