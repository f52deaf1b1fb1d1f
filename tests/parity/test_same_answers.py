"""REST and MCP answer every read alike: MCP's structured content is REST's JSON without nulls."""

from base64 import b64decode
from time import monotonic, sleep
from typing import Any, cast

import httpx2

from calls import call_mcp, call_tool, make_link, make_paste, make_secret, mcp_client
from factories import TLS, Server

# What differs from call to call, not from face to face.
MOVING = {"generated_at", "calls_this_month", "remaining"}
OWN = {"project": "own", "short_code": "first", "slug": "hidden", "event": "link.clicked"}


def test_every_read_is_answered_alike(server: Server) -> None:
    access = server.open_workspace(name="Own", plan="pro")
    with server.client(access) as rest, mcp_client(server, access) as mcp:
        make_link(rest, short_code="first", expires_at="2031-01-01T00:00:00+02:00")
        make_link(rest, short_code="second", redirect_url="https://example.com/")
        make_secret(rest, slug="hidden", passphrase="open sesame", expires_at="2031-01-01")
        own = {**OWN, "paste_code": make_paste(rest, title="First", content="Two\nlines")["paste_code"]}
        make_paste(rest, language="python", password="open sesame", expiry_hours=1, is_private=True)
        rest.patch("/projects/own", json={"description": "Two\nlines"})
        _click(server, rest)
        webhook = rest.post("/webhooks", json={"url": "https://hooks.example.com/"}).json()["data"]
        own["webhook"] = str(webhook["id"])
        reads = [
            tool for tool in call_mcp(mcp, "tools/list", {})["result"]["tools"] if tool["annotations"]["readOnlyHint"]
        ]
        paths = _paths(server)
        assert {tool["name"] for tool in reads} == {name for name, _ in paths}
        for name, path in paths:
            arguments = {field: value for field, value in own.items() if f"{{{field}}}" in path}
            answer, result = rest.get(path.format(**own)), call_tool(mcp, name, arguments)
            assert (name, answer.status_code, result["isError"]) == (name, 200, False)
            if answer.headers["content-type"] == "application/json":
                expected = _bare(answer.json())
                if "x-total-count" in answer.headers:
                    expected["total"] = int(answer.headers["x-total-count"])
                assert _bare(result["structuredContent"]) == expected


def test_the_qr_code_is_the_same_picture(server: Server) -> None:
    access = server.open_workspace(name="Own")
    with server.client(access) as rest, mcp_client(server, access) as mcp:
        link = make_link(rest, short_code="first")
        result = call_tool(mcp, "get_qr_code", {"short_code": "first"})
        image = f"{server.url}/qr/first"
        shown = {"short_code": "first", "short_url": link["short_url"], "image_url": image, "format": "svg"}
        assert result["structuredContent"] == {"data": shown}
        by_type = {block["type"]: block for block in result["content"]}
        assert by_type["resource"]["resource"]["text"] == rest.get("/links/first/qr").text
        png = rest.get("/links/first/qr?format=png")
        assert (png.headers["content-type"], png.content) == ("image/png", b64decode(by_type["image"]["data"]))


def test_pages_and_cursors_lead_over_the_same_items(server: Server) -> None:
    access = server.open_workspace(name="Own")
    with server.client(access) as rest, mcp_client(server, access) as mcp:
        codes = [make_link(rest)["short_code"] for _ in range(5)][::-1]
        first = call_tool(mcp, "list_short_links", {"per_page": 2})["structuredContent"]
        second = rest.get("/links", params={"per_page": 2, "cursor": first["next_cursor"]}).json()
        third = call_tool(mcp, "list_short_links", {"per_page": 2, "cursor": second["meta"]["next_cursor"]})
        pages = (first, second, third["structuredContent"])
        assert [link["short_code"] for page in pages for link in page["data"]] == codes
        assert (first["total"], second["meta"]["total"], third["structuredContent"].get("next_cursor")) == (5, 5, None)


def _paths(server: Server) -> list[tuple[str, str]]:
    document = httpx2.get(f"{server.url}/api/v1/openapi.json", trust_env=False, verify=TLS).json()
    reads = [(methods["get"], path) for path, methods in document["paths"].items() if "get" in methods]
    return [(call["operationId"].rstrip("_0123456789"), path) for call, path in reads]


def _click(server: Server, rest: httpx2.Client) -> None:
    for _ in range(3):
        assert server.visit("first", referer="https://news.example/page").status_code == 302
    deadline = monotonic() + 10
    while rest.get("/links/first/analytics").json()["data"]["period_stats"]["total"] < 3:
        assert monotonic() < deadline
        # The plan's 60 requests a minute are for the test itself.
        sleep(0.05)


def _bare(value: Any) -> Any:
    """`value` without nulls and without what moves."""
    if isinstance(value, dict):
        parts = cast(dict[str, Any], value)
        return {name: _bare(part) for name, part in parts.items() if part is not None and name not in MOVING}
    return [_bare(part) for part in cast(list[Any], value)] if isinstance(value, list) else value
