"""The servers that mcp_calls.py compares: the SDK's own, and ours, each with one tool that says what it was told."""

import contextlib
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.routing import Route as Endpoint

from shortmcp.adapters.changes import SqliteVersion
from shortmcp.adapters.schema import migrate
from shortmcp.app.node import make_node
from shortmcp.core.context import OPERATOR, Context, Scope
from shortmcp.core.minutes import StoredMinutes
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import create_workspace
from shortmcp.faces.callers import KnownCallers
from shortmcp.faces.identity import Gate
from shortmcp.faces.mcp_server import AllowedHosts, make_mcp_face
from shortmcp.faces.rest import RestFace
from shortmcp.faces.telemetry import Telemetry
from shortmcp.faces.threads import Crew
from shortmcp.operation import Effect, Operation, Route
from shortmcp.settings import Settings


def serve_sdk(port: int) -> None:
    """A server with the SDK's low-level class and its own app."""
    tool = Tool(name="echo", input_schema={"type": "object", "properties": {"text": {"type": "string"}}})

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(tools=[tool])

    async def call_tool(_context: Any, params: Any) -> CallToolResult:
        structured = {"data": {"text": params.arguments["text"]}}
        text = TextContent(text=orjson.dumps(structured).decode())
        return CallToolResult(content=[text], structured_content=structured)

    server: Server[Any] = Server("bench", on_list_tools=list_tools, on_call_tool=call_tool)
    security = TransportSecuritySettings(allowed_hosts=["127.0.0.1:*"], allowed_origins=[])
    run(server.streamable_http_app(stateless_http=True, json_response=True, transport_security=security), port)


def serve_ours(port: int, folder: Path) -> None:
    """Our faces with a catalog of one trivial operation, on a database with one token."""
    node = make_node(Settings(port=port, data_dir=folder / "data"))
    migrate(node.database)
    with node.work().begin(OPERATOR, Scope.WRITE) as ctx:
        workspace = create_workspace(ctx, "Bench", "unlimited")
        (folder / "token").write_text(create_token(ctx, workspace.slug, "bench", Scope.WRITE)[1])
    known = KnownCallers(SqliteVersion(node.database.path))
    gate = Gate(
        node.database.read,
        StoredMinutes(node.database.write).add,
        node.site,
        node.meter,
        known,
        lambda: datetime.now(UTC),
    )
    catalog, telemetry, crew = (make_echo(),), Telemetry(), Crew()
    hosts = AllowedHosts(("127.0.0.1:*",), ())
    mcp = make_mcp_face(catalog, gate, node.work(), telemetry, crew, hosts)
    rest = RestFace(gate, node.work(), telemetry, crew, node.site.base_url, frozenset())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with mcp.run():
            yield

    site = Starlette(routes=[Endpoint("/mcp", mcp), *rest.endpoints(catalog)], lifespan=lifespan)
    run(mcp.ahead_of(site), port)


def make_echo() -> Any:
    """The operation that does least: it says what it was told."""

    class Said(BaseModel):
        model_config = ConfigDict(extra="forbid")
        text: str

    def echo(ctx: Context, said: Said) -> Said:
        """Say it again."""
        return said

    echo.__annotations__ = {"ctx": Context, "said": Said, "return": Said}
    return Operation(echo, "Echo", (Route("GET", "/echo"),), Scope.READ, Effect.READ)


def run(app: Any, port: int) -> None:
    """Serve with the settings of `shortmcp serve`."""
    options = {"proxy_headers": False, "access_log": False, "server_header": False, "log_config": None}
    uvicorn.run(app, port=port, http="httptools", loop="uvloop", ws="none", lifespan="on", **options)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    kind, port, folder = sys.argv[1:]
    if kind == "sdk":
        serve_sdk(int(port))
    else:
        serve_ours(int(port), Path(folder))
