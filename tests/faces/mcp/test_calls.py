import base64
from typing import Any

import pytest
from mcp_types import EmbeddedResource, ImageContent, TextResourceContents

from calls import unclicked
from faces.mcp.dialogue import connect, structured, without_nulls
from faces.mcp.pictures import scan_png
from factories import Server


async def test_what_a_tool_makes_is_what_rest_shows(server: Server, era: str) -> None:
    access = server.open_workspace()
    async with connect(server, access, era) as mcp:
        project = structured(await mcp.call_tool("create_project", {"name": "Spring", "description": "Sale"}))["data"]
        made = structured(
            await mcp.call_tool(
                "create_short_link",
                {"project": project["id"], "original_url": "https://example.com/s", "title": "Für dich 🌷"},
            )
        )["data"]
        shown = structured(await mcp.call_tool("get_short_link", {"short_code": made["short_code"]}))
        renamed = structured(
            await mcp.call_tool("update_short_link", {"short_code": made["short_code"], "title": "Sale"})
        )
    with server.client(access) as rest:
        assert without_nulls(rest.get(f"/projects/{project['slug']}").json())["data"] == {
            **project,
            "short_links_count": 1,
        }
        assert without_nulls(rest.get(f"/links/{made['short_code']}").json())["data"] == unclicked(renamed["data"])
    assert shown["data"] == unclicked(made)
    assert renamed["data"] == {**made, "title": "Sale", "updated_at": renamed["data"]["updated_at"]}
    assert made["short_url"] == f"{server.url}/{made['short_code']}"


async def test_null_clears_a_field_and_absence_keeps_it(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(), era) as mcp:
        made = structured(
            await mcp.call_tool(
                "create_short_link",
                {
                    "original_url": "https://example.com/x",
                    "title": "X",
                    "redirect_url": "https://example.com/later",
                    "expires_at": "2099-01-01T00:00:00Z",
                },
            )
        )["data"]
        kept = structured(
            await mcp.call_tool("update_short_link", {"short_code": made["short_code"], "redirect_url": None})
        )["data"]
    assert "redirect_url" not in kept
    assert kept["expires_at"] == "2099-01-01T00:00:00+00:00"


async def test_a_delete_says_so_and_is_one(server: Server, era: str) -> None:
    access = server.open_workspace()
    async with connect(server, access, era) as mcp:
        made = structured(
            await mcp.call_tool("create_short_link", {"original_url": "https://example.com/x", "title": "X"})
        )["data"]
        gone = structured(await mcp.call_tool("delete_short_link", {"short_code": made["short_code"]}))
    assert gone == {"deleted": True}
    assert server.visit(made["short_code"]).status_code in {404, 410}


async def test_a_tool_that_is_not_shown_runs_all_the_same(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(), era, "?toolsets=webhooks") as mcp:
        assert structured(await mcp.call_tool("get_usage", {}))["data"]["plan"] == "unlimited"


@pytest.mark.parametrize("image_format", ["svg", "png"])
async def test_a_qr_code_can_be_seen_and_scanned(server: Server, era: str, image_format: str) -> None:
    async with connect(server, server.open_workspace(), era) as mcp:
        made = structured(
            await mcp.call_tool("create_short_link", {"original_url": "https://example.com/x", "title": "X"})
        )["data"]
        result = await mcp.call_tool("get_qr_code", {"short_code": made["short_code"], "format": image_format})
    assert structured(result)["data"] == {
        "short_code": made["short_code"],
        "short_url": made["short_url"],
        "image_url": f"{server.url}/qr/{made['short_code']}" + ("?format=png" if image_format == "png" else ""),
        "format": image_format,
    }
    picture, vector, _ = result.content
    assert isinstance(picture, ImageContent)
    assert picture.mime_type == "image/png"
    assert scan_png(base64.b64decode(picture.data)) == [made["short_url"]]
    assert isinstance(vector, EmbeddedResource)
    assert isinstance(vector.resource, TextResourceContents)
    assert vector.resource.uri == f"{server.url}/qr/{made['short_code']}"
    assert vector.resource.mime_type == "image/svg+xml"
    assert "<svg" in vector.resource.text


async def test_a_list_is_walked_by_cursor_and_knows_its_total(server: Server, era: str) -> None:
    access = server.open_workspace()
    with server.client(access) as rest:
        for number in range(45):
            rest.post("/links", json={"original_url": f"https://example.com/{number}", "title": f"No. {number}"})
    pages = list[dict[str, Any]]()
    async with connect(server, access, era) as mcp:
        while not pages or "next_cursor" in pages[-1]:
            asked = {"cursor": pages[-1]["next_cursor"]} if pages else {}
            pages.append(structured(await mcp.call_tool("list_short_links", asked)))
    with server.client(access) as rest:
        assert [link for page in pages for link in page["data"]] == without_nulls(rest.get("/links").json()["data"])
    assert [(len(page["data"]), page["total"]) for page in pages] == [(20, 45), (20, 45), (5, 45)]


async def test_a_tab_line_break_and_emoji_survive_and_hidden_characters_do_not(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as rest:
        text = "two\nlines\tand ❤️\u200b\u202e\U000e0041\U000e0100"
        rest.post("/projects", json={"name": "Odd", "slug": "odd-one", "description": text})
    async with connect(server, access) as mcp:
        project = structured(await mcp.call_tool("get_project", {"project": "odd-one"}))["data"]
    assert project["description"] == "two\nlines\tand ❤️"
