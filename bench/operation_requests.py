"""The requests of operations.py: whole HTTP messages in a file, for wrk and for open_loop.py alike."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LINKS = 10_000
# Stands for a number that is another one in each request.
COUNTER = b"########"
_BETWEEN = b"\0"
VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
_NEW = {"original_url": "https://www.example.com/some/page?number=########", "title": "Bench ########"}
# wrk's own: the requests of the file in turn, each with a number of its own.
WRK_SCRIPT = """
local requests, turn = {}, %(start)d
function init(arguments)
  local file = io.open("%(path)s", "rb")
  for request in file:read("*a"):gmatch("[^%%z]+") do requests[#requests + 1] = request end
end
function request()
  turn = turn + 1
  return (requests[turn %% #requests + 1]:gsub("########", string.format("%%08d", turn)))
end
"""


def code_of(workspace: str, number: int) -> str:
    """The code of a link that is there from the beginning."""
    return f"{workspace}-{number}"


def rest_requests(workspace: str, token: str) -> Mapping[str, list[bytes]]:
    """REST requests by operation."""
    return {
        "create": [_rest(token, "POST", "/links", _NEW)],
        "list": [_rest(token, "GET", "/links?per_page=20")],
        "update": [
            _rest(token, "PATCH", f"/links/{code_of(workspace, n)}", {"title": _NEW["title"]}) for n in _scattered()
        ],
    }


def tool_requests(workspace: str, token: str) -> Mapping[str, list[bytes]]:
    """The same as MCP tool calls, in the stateless era."""
    return {
        "create": [_tool(token, "create_short_link", _NEW)],
        "list": [_tool(token, "list_short_links", {"per_page": 20})],
        "update": [
            _tool(token, "update_short_link", {"short_code": code_of(workspace, n), "title": _NEW["title"]})
            for n in _scattered()
        ],
    }


FACES: Mapping[str, Callable[[str, str], Mapping[str, list[bytes]]]] = {"REST": rest_requests, "MCP": tool_requests}


def write_requests(path: Path, requests: list[bytes]) -> None:
    """Keep requests for a client of another process."""
    path.write_bytes(_BETWEEN.join(requests))


def read_requests(path: Path) -> list[bytes]:
    """What write_requests has kept."""
    return path.read_bytes().split(_BETWEEN)


def _scattered() -> list[int]:
    # Each once, in no order that an index has.
    return [n * 7919 % LINKS for n in range(LINKS)]


def _rest(token: str, method: str, path: str, body: Any = None) -> bytes:
    return _message(method, f"/api/v1{path}", token, body, {})


def _tool(token: str, name: str, arguments: Any) -> bytes:
    params = {"name": name, "arguments": arguments, "_meta": _META}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": name,
    }
    return _message(
        "POST", "/mcp", token, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, headers
    )


def _message(method: str, path: str, token: str, body: Any, more: Mapping[str, str]) -> bytes:
    sent = b"" if body is None else json.dumps(body).encode()
    headers = {"Host": "127.0.0.1", "Authorization": f"Bearer {token}", **more}
    headers |= {"Content-Type": "application/json", "Content-Length": str(len(sent))} if sent else {}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + sent
