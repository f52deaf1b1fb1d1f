"""Talking to /mcp: with the official client, and with raw HTTP where the official client would not."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from factories import TLS, Access, Server

MODERN = "2026-07-28"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@asynccontextmanager
async def connect(
    server: Server, access: Access, era: str = "auto", query: str = "", **headers: str
) -> AsyncGenerator[Client]:
    """The official client, connected as a workspace's token."""
    sent = authorize(access) | {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(headers=sent, trust_env=False, verify=TLS, timeout=30) as http:
        transport = streamable_http_client(f"{server.url}/mcp{query}", http_client=http)
        async with Client(transport, mode=era) as client:
            yield client


def authorize(access: Access) -> dict[str, str]:
    """The header that a token is sent in."""
    return {"Authorization": f"Bearer {access.token}"}


def post(
    server: Server, access: Access | None, body: bytes | Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """One raw message."""
    sent = ACCEPT | ({} if access is None else authorize(access)) | dict(headers or {})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(
        f"{server.url}/mcp",
        content=content,
        headers={name.encode(): value.encode("latin-1") for name, value in sent.items()},
        timeout=30,
        trust_env=False,
        verify=TLS,
    )


def call(tool: str, /, **arguments: Any) -> dict[str, Any]:
    """A raw tools/call of the 2025 era."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def modern(message: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A message and its headers as the 2026-07-28 era has them."""
    params: dict[str, Any] = {**message.get("params", {}), "_meta": ENVELOPE}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": str(message["method"])}
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    return {**message, "params": params}, headers


def read_answer(response: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC message in an answer, which may come as an event stream."""
    if response.headers["content-type"].startswith("text/event-stream"):
        lines = response.text.splitlines()
        return json.loads(next(line.removeprefix("data: ") for line in lines if line.startswith("data: {")))
    return response.json()


def structured(result: CallToolResult) -> dict[str, Any]:
    """What a tool answered, after checking that its last text block says the same."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    block = result.content[-1]
    assert isinstance(block, TextContent)
    assert json.loads(block.text) == result.structured_content
    return result.structured_content


def refusal(result: CallToolResult) -> str:
    """The one sentence of a refused call."""
    assert result.is_error
    assert result.structured_content is None
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def without_nulls(value: Any) -> Any:
    """REST's answer as MCP gives it."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: without_nulls(part) for name, part in fields.items() if part is not None}
    return [without_nulls(part) for part in cast("list[Any]", value)] if isinstance(value, list) else value
