import pytest
from mcp import Client
from mcp_types import Tool

from faces.mcp.dialogue import connect
from factories import Server
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Scope
from shortmcp.operation import Effect

READS = [operation.name for operation in CATALOG if operation.scope is Scope.READ]
ALL = [operation.name for operation in CATALOG]
CORE = [operation.name for operation in CATALOG if operation.toolset == "core"]


async def list_tools(client: Client) -> list[Tool]:
    return (await client.list_tools()).tools


async def list_names(client: Client) -> list[str]:
    return [tool.name for tool in await list_tools(client)]


async def test_every_tool_is_described_whole(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(), era, "?toolsets=all") as client:
        tools = await list_tools(client)
    assert [tool.name for tool in tools] == ALL
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.input_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"


async def test_every_parameter_of_every_tool_is_described(server: Server) -> None:
    async with connect(server, server.open_workspace(), query="?toolsets=all") as client:
        tools = await list_tools(client)
    silent = [
        f"{tool.name}.{name}"
        for tool in tools
        for name, parameter in tool.input_schema["properties"].items()
        if not parameter.get("description")
    ]
    assert silent == []


async def test_annotations_say_what_each_operation_does(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(), era, "?toolsets=all") as client:
        tools = {tool.name: tool for tool in await list_tools(client)}
    for operation in CATALOG:
        annotations = tools[operation.name].annotations
        assert annotations is not None
        assert annotations.model_dump(by_alias=True, exclude_none=True) == {
            "readOnlyHint": operation.effect is Effect.READ,
            "destructiveHint": operation.effect in {Effect.UPDATE, Effect.DELETE, Effect.CONSUME},
            "idempotentHint": operation.effect not in {Effect.CREATE, Effect.CONSUME},
            "openWorldHint": False,
        }


async def test_a_read_only_token_sees_reads_alone(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(scope=Scope.READ), era, "?toolsets=all") as client:
        assert await list_names(client) == READS


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?toolsets=all&readonly=1", {}),
        ("?toolsets=all&readonly", {}),
        ("?toolsets=all&readonly=on", {}),
        ("?toolsets=all", {"X_MCP_Readonly": "true"}),
        ("", {"X_MCP_Toolsets": "all", "X_MCP_Readonly": "TRUE"}),
    ],
)
async def test_readonly_hides_writes_from_any_token(
    server: Server, era: str, query: str, headers: dict[str, str]
) -> None:
    async with connect(server, server.open_workspace(), era, query, **headers) as client:
        assert await list_names(client) == READS


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("?toolsets=core", {}, CORE),
        ("?toolsets=CORE,%20webhooks", {}, None),
        ("", {"X_MCP_Toolsets": "core"}, CORE),
        ("?toolsets=webhooks", {"X_MCP_Toolsets": "core"}, None),
        ("?toolsets=all", {}, ALL),
        ("", {"X_MCP_Toolsets": "all"}, ALL),
        ("?toolsets=all&readonly=0", {}, ALL),
    ],
)
async def test_toolsets_choose_the_tools(
    server: Server, query: str, headers: dict[str, str], expected: list[str] | None
) -> None:
    both = [operation.name for operation in CATALOG if operation.toolset in {"core", "webhooks"}]
    async with connect(server, server.open_workspace(), query=query, **headers) as client:
        assert await list_names(client) == (both if expected is None else expected)


async def test_the_tools_fit_on_one_page(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(), era) as client:
        listed = await client.list_tools()
        assert listed.next_cursor is None
        with pytest.raises(Exception, match="There is one page of tools"):
            await client.list_tools(cursor="2")


async def test_the_server_offers_nothing_that_would_hold_a_stream_open(server: Server, era: str) -> None:
    async with connect(server, server.open_workspace(), era) as client:
        capabilities = client.server_capabilities.model_dump(by_alias=True, exclude_none=True)
    assert capabilities.pop("tools") in ({}, {"listChanged": False})
    assert capabilities == {}
