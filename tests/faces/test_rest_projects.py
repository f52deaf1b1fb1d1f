"""Projects over REST, as SHORTCLIX's guide describes them."""

from calls import make_link
from factories import Server

OPTIONAL = ("description", "monthly_report_recipients", "weekly_report_recipients")


def test_a_project_is_created_shown_listed_changed_and_deleted(server: Server) -> None:
    with server.client(server.open_workspace(name="First")) as client:
        made = client.post("/projects", json={"name": "  Launch Campaign "})
        project = made.json()["data"]
        assert made.status_code == 201
        assert made.headers["location"] == f"{server.url}/api/v1/projects/{project['id']}"
        assert project == {
            "id": project["id"],
            "name": "Launch Campaign",
            "slug": "launch-campaign",
            **dict.fromkeys(OPTIONAL),
            "short_links_count": 0,
            "created_at": project["created_at"],
            "updated_at": project["created_at"],
        }
        assert project["created_at"].endswith("+00:00")
        assert len(project["created_at"]) == len("2026-06-01T09:00:00+00:00")
        make_link(client, project="launch-campaign")
        counted = {**project, "short_links_count": 1}
        assert client.get(made.headers["location"]).json() == {"data": counted}
        assert client.get("/projects/Launch-Campaign").json() == {"data": counted}
        listed = client.get("/projects").json()
        assert [one["name"] for one in listed["data"]] == ["First", "Launch Campaign"]
        assert listed == {"data": [listed["data"][0], counted]}
        changed = client.patch("/projects/launch-campaign", json={"slug": "Autumn_Launch"})
        assert changed.json() == {
            "data": {**counted, "slug": "autumn-launch", "updated_at": changed.json()["data"]["updated_at"]}
        }
        gone = client.delete(f"/projects/{project['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert client.get("/projects/autumn-launch").status_code == 404


def test_a_change_leaves_what_it_does_not_name_and_null_clears_what_may_be_empty(server: Server) -> None:
    full = {
        "name": "Report",
        "description": "Two\nlines",
        "monthly_report_recipients": "ann@example.com, bob@example.com",
        "weekly_report_recipients": "carl@example.com",
    }
    with server.client(server.open_workspace()) as client:
        made = client.post("/projects", json=full).json()["data"]
        assert {name: made[name] for name in full} == {
            **full,
            "monthly_report_recipients": "ann@example.com,bob@example.com",
        }
        for body in (None, b"{}", b"", b"  "):
            assert client.patch("/projects/report", content=body).json() == {"data": made}
        renamed = client.patch("/projects/report", json={"name": "Renamed"}).json()["data"]
        assert renamed == {**made, "name": "Renamed", "updated_at": renamed["updated_at"]}
        cleared = client.patch("/projects/report", json=dict.fromkeys(OPTIONAL)).json()["data"]
        assert cleared == {**renamed, **dict.fromkeys(OPTIONAL), "updated_at": cleared["updated_at"]}
        for field in ("name", "slug"):
            sentence = f"`{field}` cannot be empty: leave it out to keep it."
            refused = client.patch("/projects/report", json={field: None})
            assert (refused.status_code, refused.json()) == (
                422,
                {"message": sentence, "code": "invalid", "errors": {field: [sentence]}},
            )


def test_slugs_are_made_from_names_and_are_unique_over_all_workspaces(server: Server) -> None:
    with server.client(server.open_workspace()) as ours, server.client(server.open_workspace()) as theirs:

        def slug(client: object, **fields: str) -> str:
            made = (ours if client is ours else theirs).post("/projects", json=fields)
            assert made.status_code == 201, made.text
            return made.json()["data"]["slug"]

        assert slug(ours, name="Café Übersicht  2026!") == "cafe-ubersicht-2026"
        again = slug(theirs, name="Cafe Ubersicht 2026")
        assert again.startswith("cafe-ubersicht-2026-")
        # Without a letter from a to z there would be nothing to tell a slug from an id.
        assert slug(ours, name="日本") == "project"
        assert slug(ours, name="2026") == "project-2026"
        assert slug(ours, name="x" * 255) == "x" * 240
        assert slug(ours, name="Own", slug="My_Own Slug") == "my-own-slug"
        for client in (ours, theirs):
            refused = client.post("/projects", json={"name": "Other", "slug": "my-own-slug"})
            sentence = "`slug` is already taken: choose another one."
            assert refused.json() == {"message": sentence, "code": "invalid", "errors": {"slug": [sentence]}}
        kept = ours.patch("/projects/my-own-slug", json={"slug": "my-own-slug"})
        assert kept.json()["data"]["slug"] == "my-own-slug"
        assert theirs.patch(f"/projects/{again}", json={"slug": "my-own-slug"}).status_code == 422
        for bad in ("", "-", "日本", "123", "\u212a", "x" * 256):
            assert ours.post("/projects", json={"name": "Other", "slug": bad}).json()["errors"].keys() == {"slug"}


def test_no_number_is_too_large_for_an_id(server: Server) -> None:
    nothing = {
        "message": "There is no such project in this workspace.",
        "code": "not_found",
        "hint": "list_projects shows them all.",
    }
    with server.client(server.open_workspace()) as client:
        for number in (0, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**100):
            answer = client.get(f"/projects/{number}")
            assert (answer.status_code, answer.json()) == (404, nothing)
            body = {"original_url": "https://example.com/", "title": "x", "project": number}
            assert client.post("/links", json=body).status_code in {404, 422}


def test_deleting_a_project_deletes_its_links_and_no_others(server: Server) -> None:
    with server.client(server.open_workspace(name="Kept")) as client:
        client.post("/projects", json={"name": "Doomed"})
        kept = make_link(client, project="kept", short_code="kept-link")
        make_link(client, project="doomed", short_code="doomed-link")
        assert [server.visit(code).status_code for code in ("kept-link", "doomed-link")] == [302, 302]
        assert client.delete("/projects/doomed").status_code == 204
        assert [server.visit(code).status_code for code in ("kept-link", "doomed-link")] == [302, 410]
        left = client.get("/links").json()["data"]
        assert [{**link, "clicks_count": 0} for link in left] == [kept]
        assert client.get("/projects/doomed/links").status_code == 404
        assert client.get("/usage").json()["data"]["links"] == {"used": 1, "limit": None}
