"""What assistants see of us: a change of it is a diff in tests/surface/tools.json, and its price stays bounded."""

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from faces.mcp.dialogue import connect
from factories import Server

# The list depends on the catalog, not on what is in the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SNAPSHOT = Path(__file__).parents[2] / "surface" / "tools.json"
MOST_TOKENS_OF_A_TOOL = 600
MOST_TOKENS_BY_DEFAULT = 12_000
MOST_TOKENS_OF_ALL = 17_000
# Its answer has eleven lists and a comparison in three periods. What could be said once is said once, and five of the
# lists share one definition; leaving more out would leave numbers unexplained. A link has twenty fields to be set.
EXCEPTIONS = {
    "get_link_analytics": 1_400,
    "list_short_links": 800,
    "get_short_link": 700,
    "create_short_link": 1_150,
    "update_short_link": 1_150,
}


async def list_tools(server: Server, era: str, asked: str = "?toolsets=all") -> list[dict[str, Any]]:
    async with connect(server, server.open_workspace(), era, asked) as mcp:
        tools = (await mcp.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


async def test_the_tools_are_those_of_the_snapshot(server: Server, era: str) -> None:
    tools = await list_tools(server, era)
    if os.environ.get("SHORTMCP_WRITE_SURFACE"):
        SNAPSHOT.write_text(json.dumps(tools, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    known = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert tools == known, (
        "The tools that assistants see have changed. If that is wanted, run\n"
        "SHORTMCP_WRITE_SURFACE=1 .venv/bin/pytest tests/faces/mcp/test_surface.py\nand commit the diff."
    )


def count_tokens(tools: list[dict[str, Any]]) -> dict[str, int]:
    return {tool["name"]: len(orjson.dumps(tool)) // 4 for tool in tools}


async def test_tool_definitions_are_worth_their_tokens(server: Server) -> None:
    # Four characters of compact JSON are about one token.
    tokens = count_tokens(await list_tools(server, "auto"))
    dear = {name: cost for name, cost in tokens.items() if cost > EXCEPTIONS.get(name, MOST_TOKENS_OF_A_TOOL)}
    assert dear == {}
    assert sum(tokens.values()) <= MOST_TOKENS_OF_ALL
    assert sum(count_tokens(await list_tools(server, "auto", "")).values()) <= MOST_TOKENS_BY_DEFAULT


async def test_no_schema_asks_a_client_to_resolve_what_it_must_fill_in(server: Server) -> None:
    for tool in await list_tools(server, "auto"):
        assert "$ref" not in json.dumps(tool["inputSchema"]), tool["name"]
