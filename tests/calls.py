"""Calls that many tests make: a link over REST, a tool over raw JSON-RPC."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson
from sqlalchemy import text

from factories import TLS, Access, Server
from shortmcp.core.fields import to_microseconds
from shortmcp.faces.dialects import DIALECTS

URL = "https://example.com/page"
HELLO = "console.log('Hello World');"
NO_CLICKS = {
    "total_clicks": 0,
    "unique_clicks": 0,
    "clicks_today": 0,
    "clicks_this_week": 0,
    "clicks_this_month": 0,
}


def make_link(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    """A link of the client's workspace, in the project that is the only one or in `project`."""
    answer = client.post("/links", json={"original_url": URL, "title": "A link", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def make_secret(client: httpx2.Client, content: str = "hush", **fields: Any) -> str:
    """The slug of a secret of the client's workspace."""
    answer = client.post("/secrets", json={"content": content, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]["slug"]


def make_webhook(client: httpx2.Client) -> int:
    """The id of a webhook of the client's workspace; nothing that happens in these tests is told to it."""
    return client.post("/webhooks", json={"url": "https://hooks.example.com/"}).raise_for_status().json()["data"]["id"]


def make_paste(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    """A paste of the client's workspace."""
    answer = client.post("/pastes", json={"content": HELLO, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def expire_paste(server: Server, code: str) -> None:
    """Let a paste's time be over."""
    past = {"past": to_microseconds(datetime.now(UTC) - timedelta(seconds=1))}
    with server.node.database.write() as connection:
        expired = text("UPDATE pastes SET expires_at = :past WHERE code = :code RETURNING id")
        paste_id = connection.execute(expired, {**past, "code": code}).scalar_one()
        its_text = text("UPDATE paste_contents SET expires_at = :past WHERE paste_id = :id")
        connection.execute(its_text, {**past, "id": paste_id})


def unclicked(link: dict[str, Any]) -> dict[str, Any]:
    """What a link that was just made or changed is shown as by itself, before anybody has followed it."""
    return {**link, "analytics": NO_CLICKS}


def at_once(*calls: Callable[[], httpx2.Response]) -> list[httpx2.Response]:
    """The answers to calls that are made side by side."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [made.result() for made in [threads.submit(call) for call in calls]]


def call_mcp(client: httpx2.Client, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The JSON-RPC answer to one request, whether it comes as JSON or as an event."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = client.post("/mcp?toolsets=all", json=asked)
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("application/json"):
        return answer.json()
    return orjson.loads(next(line[6:] for line in answer.text.splitlines() if line.startswith("data: {")))


def call_tool(client: httpx2.Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A tool's result."""
    return call_mcp(client, "tools/call", {"name": name, "arguments": arguments})["result"]


def mcp_client(server: Server, access: Access) -> httpx2.Client:
    """An HTTP client for the MCP face."""
    headers = {"Authorization": f"Bearer {access.token}", "Accept": "application/json, text/event-stream"}
    return httpx2.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False, verify=TLS)


def dialect_client(server: Server, name: str, access: Access | None = None) -> httpx2.Client:
    """An HTTP client for a dialect, as its service's own; paths are below the dialect's prefix."""
    dialect = DIALECTS[name]
    scheme = "Bearer " if dialect.header == "authorization" else ""
    key = {} if access is None else {dialect.header: f"{scheme}{access.token}"}
    return httpx2.Client(base_url=server.url + dialect.prefix, headers=key, timeout=30, trust_env=False, verify=TLS)
