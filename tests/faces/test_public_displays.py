"""What visitors see of a link beside where it leads: its QR image, and its statistics where they are public."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import text

from calls import call_tool, make_link, mcp_client
from dumps import dump
from faces.mcp.pictures import scan_png
from faces.mcp.test_analytics import wait_for_clicks
from factories import CHROME, TLS, Access, Server, start_server
from shortmcp.faces.pages import away_page, unknown_page
from shortmcp.faces.public import displays
from shortmcp.settings import Settings

MOVING = {"date"}


@pytest.fixture
def domains(settings: Settings) -> Iterator[Server]:
    """A server with another short domain."""
    with ExitStack() as stack:
        yield start_server(settings.model_copy(update={"domains": ("https://go.example",)}), stack)


@pytest.fixture
def access(server: Server) -> Access:
    """A workspace with a token."""
    return server.open_workspace(name="Own")


def ask(server: Server, path: str, method: str = "GET", host: str = "") -> httpx2.Response:
    headers = {"Host": host} if host else {}
    return httpx2.request(method, server.url + path, headers=headers, timeout=30, trust_env=False, verify=TLS)


def sent(answer: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    """The whole answer, without what moves by itself."""
    return (
        answer.status_code,
        answer.content,
        {name: value for name, value in answer.headers.items() if name not in MOVING},
    )


def figures(page: str) -> list[str]:
    return re.findall(r"<dd>([0-9,]+)</dd>", page)


def test_public_statistics_show_clicks_and_nothing_that_is_the_owner_s_own(server: Server, access: Access) -> None:
    with server.client(access) as client:
        fields: dict[str, Any] = {"title": "Internal", "description": "Notes", "og_title": "Our launch"}
        code = make_link(client, analytics_public=True, original_url="https://secret.example/x", **fields)["short_code"]
        for address in ("8.8.8.8", "8.8.8.8", "193.0.6.139"):
            server.visit(code, x_forwarded_for=address, referer="https://news.example/private/path?q=1")
        server.visit(code, user_agent="curl/8.0")
        wait_for_clicks(client, code, 4)
    answer = ask(server, f"/{code}/stats")
    assert answer.status_code == 200
    assert figures(answer.text) == ["3", "2", "3"]
    assert re.findall(r"<h1[^>]*>(.*)</h1>", answer.text) == ["Our launch"]
    for shown in (f"{server.url.removeprefix('http://')}/{code}", "news.example", "United States", "Desktop", "Chrome"):
        assert shown in answer.text
    for hidden in ("Internal", "Notes", "secret.example", "private", "8.8.8.8", "curl"):
        assert hidden not in answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_all_that_has_no_public_statistics_is_the_same_page(server: Server, access: Access) -> None:
    with server.client(access) as client:
        make_link(client, short_code="private")
        make_link(client, short_code="gone", analytics_public=True)
        client.delete("/links/gone")
        client.post("/reserved-codes", json={"short_code": "reserved"})
    nothing = ask(server, "/never-was/stats")
    assert (nothing.status_code, nothing.content) == (404, unknown_page().body)
    for path in ("/private/stats", "/gone/stats", "/reserved/stats", "/PRIVATE/stats", "/private/stats/", "/qr/gone"):
        assert sent(ask(server, path)) == sent(nothing), path
    for path in ("/login/stats", "/%C3%A9/stats", "/private/stats/more", "/private//stats", "/private/Stats"):
        assert (path, ask(server, path).status_code) == (path, 404)
    assert ask(server, "/api/stats").headers["content-type"] == "application/json"


def test_head_tells_what_get_does_without_the_page_and_nothing_else_is_taken(server: Server, access: Access) -> None:
    with server.client(access) as client:
        make_link(client, short_code="open", analytics_public=True)
    for path in ("/open/stats", "/qr/open", "/never-was/stats", "/qr/never-was"):
        got, head = ask(server, path), ask(server, path, "HEAD")
        assert (head.status_code, head.content, head.headers["content-type"]) == (
            got.status_code,
            b"",
            got.headers["content-type"],
        )
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            refused = ask(server, path, method)
            assert (refused.status_code, refused.headers["allow"], refused.content) == (405, "GET, HEAD", b"")


def test_what_a_password_protects_and_what_is_blocked_gets_no_words_of_its_owner(
    server: Server, access: Access
) -> None:
    with server.client(access) as client:
        make_link(client, short_code="locked", password="x", og_title="Our plans", analytics_public=True)
        make_link(client, short_code="bad", og_title="Your bank", analytics_public=True)
    with server.node.database.write() as connection:
        connection.execute(text("UPDATE links SET blocked_at = 1 WHERE short_code = 'bad'"))
    for code, words in (("locked", "Our plans"), ("bad", "Your bank")):
        answer = ask(server, f"/{code}/stats")
        assert (answer.status_code, words in answer.text) == (200, False)


def test_hostile_visitors_write_nothing_into_the_page(server: Server, access: Access) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    with server.client(access) as client:
        code = make_link(client, analytics_public=True)["short_code"]
        for referrer in (
            f"https://evil.example/{hostile}",
            hostile,
            "https://<script>alert(1)</script>/",
            "//x\u202e/",
        ):
            headers = {b"Referer": referrer.encode(), b"User-Agent": CHROME.encode(), b"Accept-Language": b"<b>"}
            url = f"{server.url}/{code}?utm_source={quote(hostile)}"
            assert httpx2.get(url, headers=headers, trust_env=False, verify=TLS).status_code == 302
        wait_for_clicks(client, code, 4)
    page = ask(server, f"/{code}/stats").text
    assert "evil.example" in page
    assert ("<script" in page, "alert" in page, "\u202e" in page) == (False, False, False)


def test_statistics_follow_the_workspace_s_plan_and_stay_when_it_is_suspended(server: Server) -> None:
    access = server.open_workspace(plan="free")
    with server.begin() as ctx:
        ctx.session.connection().execute(
            text(
                "INSERT INTO links (workspace_id, project_id, domain, short_code, original_url, title, is_active,"
                " used_clicks, mask, notify_on_mask_break, analytics_public, forward_query, created_at, updated_at)"
                " SELECT :id, id, '', 'open', 'https://example.com/', 'x', true, 0, false, false, true, false, 1, 1"
                " FROM projects WHERE workspace_id = :id"
            ),
            {"id": access.workspace_id},
        )
        ctx.session.connection().execute(text("UPDATE workspaces SET suspended_at = 1"))
    assert ask(server, "/open/stats").status_code == 200


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_nobody_waits_for_a_database_that_does_not_answer(
    server: Server, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.client(access) as client:
        make_link(client, short_code="open", analytics_public=True)
    with server.node.database.write() as connection:
        connection.execute(text("LOCK TABLE links"))
        monkeypatch.setattr(displays, "PATIENCE_SECONDS", 0.1)
        for _ in range(displays.THREADS + 2):
            assert sent(ask(server, "/open/stats"))[:2] == (503, away_page().body)
    monkeypatch.undo()
    assert ask(server, "/open/stats").status_code == 200


def test_each_domain_shows_its_own(domains: Server) -> None:
    with domains.client(domains.open_workspace()) as client:
        make_link(client, short_code="launch", domain="go.example", analytics_public=True, og_title="There")
        make_link(client, short_code="here", analytics_public=True, og_title="Here")
    assert "There" in ask(domains, "/launch/stats", host="go.example").text
    assert ask(domains, "/launch/stats").status_code == 404
    assert ask(domains, "/here/stats", host="go.example").status_code == 404
    assert "Here" in ask(domains, "/here/stats", host="unknown.example").text
    assert scan_png(ask(domains, "/qr/launch?format=png", host="GO.example:443").content) == [
        "https://go.example/launch"
    ]
    assert ask(domains, "/qr/launch").status_code == 404
    assert ask(domains, "/go.example/launch/stats").status_code == 404


def test_the_public_qr_image_is_that_of_the_api_and_counts_nothing(server: Server, access: Access) -> None:
    with server.client(access) as client, mcp_client(server, access) as tools:
        link = make_link(client, short_code="launch", password="open sesame", max_clicks=1)
        before = dump(server)
        for query in ("", "?format=png", "?size=3&border=0&dark=%23AA0000&light=%23ffffee&error_correction=H"):
            answer, own = ask(server, f"/qr/launch{query}"), client.get(f"/links/launch/qr{query}")
            assert (answer.content, answer.headers["content-type"]) == (own.content, own.headers["content-type"])
            assert answer.headers["cache-control"] == "public, max-age=300"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert scan_png(ask(server, "/qr/LAUNCH/?format=png").content) == [link["short_url"]]
        assert dump(server) == before
        styled = call_tool(tools, "get_qr_code", {"short_code": "launch", "dark": "#aa0000", "format": "png"})
        url = styled["structuredContent"]["data"]["image_url"]
        assert url == f"{server.url}/qr/launch?format=png&dark=%23aa0000"
        resource = next(block["resource"] for block in styled["content"] if block["type"] == "resource")
        assert resource["uri"] == f"{server.url}/qr/launch?dark=%23aa0000"
        assert ask(server, resource["uri"].removeprefix(server.url)).text == resource["text"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("size=41", "`size` must be at most 40."),
        ("size=x", "`size` must be a whole number."),
        ("dark=%22%3E%3Cscript%3E", "`dark` must have the form ^#[0-9a-fA-F]{6}$."),
        ("format=gif", "`format` must be one of 'svg' or 'png'."),
        ("domain=go.example", "`domain` is not a field of this operation; its fields: "),
        ("short_code=x", "`short_code` is not a field of this operation; its fields: "),
        ("utm_source=x", "`utm_source` is not a field of this operation; its fields: "),
        ("dark=%ff", "The query string must be percent-encoded UTF-8 with at most 10 fields."),
    ],
)
def test_a_qr_image_that_cannot_be_drawn_is_refused_in_plain_words(
    server: Server, access: Access, query: str, sentence: str
) -> None:
    with server.client(access) as client:
        make_link(client, short_code="launch")
    refused = ask(server, f"/qr/launch?{query}")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert refused.text.startswith(sentence)
    assert refused.headers["cache-control"] == "private, no-store"
