"""Links over REST, as SHORTCLIX's guide describes them."""

from typing import Any

import httpx2

from calls import URL, make_link
from factories import Server

MOVED = "https://example.com/moved"


def test_a_link_is_created_shown_listed_changed_and_deleted(server: Server) -> None:
    with server.client(server.open_workspace(name="Launch")) as client:
        project = client.get("/projects/launch").json()["data"]["id"]
        made = client.post(f"/projects/{project}/links", json={"original_url": URL, "title": "Launch link"})
        link = made.json()["data"]
        assert made.status_code == 201
        assert made.headers["location"] == f"{server.url}/api/v1/links/{link['short_code']}"
        assert link == {
            "id": link["id"],
            "project_id": project,
            "short_code": link["short_code"],
            "domain": server.url.removeprefix("http://"),
            "short_url": f"{server.url}/{link['short_code']}",
            "original_url": URL,
            "title": "Launch link",
            "description": None,
            "is_active": True,
            "is_effectively_active": True,
            "safety": "unchecked",
            "redirect_url": None,
            "expires_at": None,
            "has_password": False,
            "max_clicks": None,
            "clicks_count": 0,
            "og_title": None,
            "og_description": None,
            "og_image": None,
            "mask": False,
            "notify_on_mask_break": False,
            "analytics_public": False,
            "forward_query": False,
            "created_at": link["created_at"],
            "updated_at": link["created_at"],
        }
        assert len(link["short_code"]) == 6
        assert client.get(made.headers["location"]).json() == {"data": link}
        newer = client.post("/projects/launch/links", json={"original_url": MOVED, "title": "x", "short_code": "newer"})
        assert newer.status_code == 201
        both = {"data": [newer.json()["data"], link]}
        assert [client.get(path).json() for path in ("/links", "/projects/launch/links")] == [both, both]
        gone = client.delete(f"/links/{link['short_code']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert client.get(made.headers["location"]).status_code == 404


def test_a_change_leaves_what_it_does_not_name_and_null_clears_what_may_be_empty(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        made = make_link(client, short_code="a", redirect_url=MOVED, expires_at="2030-01-01T00:00:00Z")

        def change(**fields: Any) -> dict[str, Any]:
            answer = client.patch("/links/A", json=fields)
            assert answer.status_code == 200, answer.text
            return answer.json()["data"]

        assert change() == made
        assert client.patch("/links/a", content=b"").json() == {"data": made}
        later = {**made, "title": "New", "is_active": False, "is_effectively_active": False}
        changed = change(title="New", is_active=False)
        assert changed == {**later, "updated_at": changed["updated_at"]}
        cleared = change(redirect_url=None, expires_at=None, is_active=True)
        expected = {**made, "title": "New", "redirect_url": None, "expires_at": None}
        assert cleared == {**expected, "updated_at": cleared["updated_at"]}
        for field in ("original_url", "title", "is_active", "short_code"):
            sentence = f"`{field}` cannot be empty: leave it out to keep it."
            refused = client.patch("/links/a", json={field: None})
            assert (refused.status_code, refused.json()) == (
                422,
                {"message": sentence, "code": "invalid", "errors": {field: [sentence]}},
            )
        assert client.get("/links/a").json() == {"data": cleared}


def test_a_link_is_renamed_by_the_code_in_the_body(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        made = make_link(client, short_code="old")
        assert server.visit("old").status_code == 302
        renamed = client.patch("/links/old", json={"short_code": "New Name"}).json()["data"]
        assert renamed == {
            **made,
            "short_code": "new-name",
            "short_url": f"{server.url}/new-name",
            "updated_at": renamed["updated_at"],
        }
        assert [server.visit(code).status_code for code in ("old", "new-name")] == [410, 302]
        assert client.get("/links/old").status_code == 404
        assert client.patch("/links/new-name", json={"short_code": "old"}).status_code == 200
        assert [server.visit(code).status_code for code in ("old", "new-name")] == [302, 410]
        for bad, sentence in (
            ("admin", "`short_code` is a reserved word: choose another code."),
            ("é", "`short_code` may hold only the letters a to z, digits and dashes between them."),
            ("x" * 256, "`short_code` may be at most 255 characters long."),
        ):
            refused = client.patch("/links/old", json={"short_code": bad})
            assert refused.json() == {"message": sentence, "code": "invalid", "errors": {"short_code": [sentence]}}


def test_a_link_may_be_named_by_its_destination_wherever_it_may_be_named(server: Server) -> None:
    with server.client(server.open_workspace()) as client, server.client(server.open_workspace()) as others:
        # What another workspace shortens makes nothing ambiguous.
        make_link(others, original_url="https://example.com/?q=a b")
        link = make_link(client, original_url="https://example.com/?q=a b", short_code="spaced")
        # As it was typed, as it is stored, and as another browser would write it.
        for url in ("https://example.com/?q=a b", link["original_url"], "HTTPS://EXAMPLE.com:443/?q=a%20b"):
            for placeholder in ("-", "anything", "spaced", "1"):
                found = client.get(f"/links/{placeholder}", params={"original_url": url})
                assert (found.status_code, found.json()) == (200, {"data": link})
        named = {"original_url": str(link["original_url"])}
        assert client.get("/links/-/qr", params=named).headers["content-type"] == "image/svg+xml"
        assert client.get("/links/-/analytics", params=named).json()["data"]["link"]["id"] == link["id"]
        moved = client.patch("/links/-", params=named, json={"original_url": MOVED})
        assert moved.json()["data"]["original_url"] == MOVED
        assert client.delete("/links/-", params=named).status_code == 404
        assert client.delete("/links/-", params={"original_url": MOVED}).status_code == 204


def test_a_destination_of_several_links_is_a_conflict_that_names_the_way_out(server: Server) -> None:
    sentence = "Several short links have this destination: name the one you mean by its `short_code`."
    conflict = (409, {"message": sentence, "code": "conflict"})

    def answer(response: httpx2.Response) -> tuple[int, Any]:
        return response.status_code, response.json()

    with server.client(server.open_workspace()) as client:
        links = [make_link(client), make_link(client)]
        named = {"original_url": URL}
        for path in ("/links/-", "/links/-/qr", "/links/-/analytics"):
            assert answer(client.get(path, params=named)) == conflict
        assert answer(client.patch("/links/-", params=named, json={"title": "x"})) == conflict
        assert answer(client.delete("/links/-", params=named)) == conflict
        assert client.get("/links").json() == {"data": links[::-1]}
        client.delete(f"/links/{links[1]['short_code']}")
        assert answer(client.get("/links/-", params=named)) == (200, {"data": links[0]})


def test_a_link_needs_no_project_where_the_workspace_has_just_one(server: Server) -> None:
    fields = {"original_url": URL, "title": "x"}
    with server.client(server.open_workspace()) as client:
        only = client.get("/projects").json()["data"][0]["id"]
        assert client.post("/links", json=fields).json()["data"]["project_id"] == only
        second = client.post("/projects", json={"name": "Second"}).json()["data"]
        refused = client.post("/links", json=fields)
        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["project"])
        for reference in ("second", second["id"], str(second["id"])):
            made = client.post("/links", json={**fields, "project": reference})
            assert made.json()["data"]["project_id"] == second["id"]
        assert client.post("/links", json={**fields, "project": "none"}).status_code == 404
        for project in client.get("/projects").json()["data"]:
            client.delete(f"/projects/{project['id']}")
        assert client.post("/links", json=fields).json()["errors"].keys() == {"project"}


def test_visitors_feel_every_change_at_once(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="live")

        def seen() -> tuple[int, str | None]:
            visit = server.visit("live")
            return visit.status_code, visit.headers.get("location")

        assert seen() == (302, URL)
        for change, expected in (
            ({"original_url": MOVED}, (302, MOVED)),
            ({"is_active": False}, (410, None)),
            ({"redirect_url": "https://example.com/fallback"}, (302, "https://example.com/fallback")),
            ({"is_active": True}, (302, MOVED)),
            ({"expires_at": "2020-01-01"}, (302, "https://example.com/fallback")),
            ({"redirect_url": None}, (410, None)),
            ({"expires_at": "2999-01-01"}, (302, MOVED)),
        ):
            answer = client.patch("/links/live", json=change).json()["data"]
            assert seen() == expected
            assert answer["is_effectively_active"] == (expected[1] == MOVED)
        client.delete("/links/live")
        assert seen() == (410, None)
