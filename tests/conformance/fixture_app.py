"""A server for the conformance suite: its own tools on shortmcp's transport. It asks for no token; never deploy it.

`python tests/conformance/fixture_app.py PORT`
"""

import sys
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fixture_contents import (
    complete,
    get_prompt,
    list_prompts,
    list_resources,
    list_templates,
    read_resource,
    subscribe,
    unsubscribe,
)
from fixture_tools import call_tool, input_schema, list_tools
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp_types import EmptyResult, SetLevelRequestParams
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shortmcp.faces.mcp_server.transport import AllowedHosts, Transport, make_transport

CACHED = ("tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read")


async def set_level(context: ServerRequestContext[Any, Any], params: SetLevelRequestParams) -> EmptyResult:
    """Taken; every level is sent."""
    return EmptyResult()


def make_server() -> Server[Any]:
    """The suite's server."""
    with warnings.catch_warnings():
        # Logging levels are deprecated since 2026-07-28; the earlier era's suite asks for them.
        warnings.simplefilter("ignore")
        return Server(  # pyright: ignore[reportDeprecated]
            "conformance",
            version="1",
            on_list_tools=list_tools,
            on_call_tool=call_tool,
            get_tool_input_schema=input_schema,
            on_list_resources=list_resources,
            on_list_resource_templates=list_templates,
            on_read_resource=read_resource,
            on_subscribe_resource=subscribe,
            on_unsubscribe_resource=unsubscribe,
            on_list_prompts=list_prompts,
            on_get_prompt=get_prompt,
            on_completion=complete,
            on_set_logging_level=set_level,
            cache_hints={method: CacheHint(ttl_ms=60_000, scope="private") for method in CACHED},
        )


class OpenDoor:
    """What McpFace does, without asking who calls."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        refused = await self._transport.check(request)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self._transport.serve(request, send)


def make_app() -> Starlette:
    """The ASGI app."""
    names = tuple(f"{host}{port}" for host in ("127.0.0.1", "localhost", "[::1]") for port in ("", ":*"))
    hosts = AllowedHosts(names, tuple(f"http://{name}" for name in names))
    transport = make_transport(make_server(), hosts)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with transport.run():
            yield

    return Starlette(routes=[Route("/mcp", OpenDoor(transport))], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(make_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
