"""Plain requests: tools/call and tools/list as clients send them every day, read without the SDK.

Whatever is unusual in a header, in the envelope or in the arguments makes a request one that is not plain: the SDK
answers it, in its own words and ours. A test sends the same requests both ways and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

import orjson
from mcp_types import methods
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION
from pydantic import ValidationError

from shortmcp.faces.mcp_server.envelope import DEFAULT_VERSION

Headers = Mapping[bytes, bytes]
MAX_BODY: Final = 64 << 10
MAX_META: Final = 2_000
_KEYS: Final = {"jsonrpc", "id", "method", "params"}
_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_HANDSHAKE: Final = {version.encode(): version for version in HANDSHAKE_PROTOCOL_VERSIONS}
_MODERN: Final = LATEST_MODERN_VERSION.encode()
_TYPES: Final = (b"application/json", b"text/event-stream")


@dataclass(frozen=True, slots=True)
class Plain:
    """A request for a tool, or for the list of tools where `tool` is None, in the words of one version of MCP."""

    request_id: str | int
    version: str
    tool: str | None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_version(headers: Headers) -> str | None:
    """The version of MCP that a request with these headers speaks; None where they hold anything unusual."""
    length, name = headers.get(b"content-length", b""), headers.get(b"mcp-protocol-version")
    usual = (
        length.isdigit()
        and int(length[:20]) <= MAX_BODY
        and headers.get(b"content-type") == _TYPES[0]
        and b"content-encoding" not in headers
        and b"mcp-session-id" not in headers
        and _accepts(headers.get(b"accept", b""))
        and not any(name.startswith(b"mcp-param-") for name in headers)
    )
    if not usual:
        return None
    if name is None:
        return DEFAULT_VERSION
    return LATEST_MODERN_VERSION if name == _MODERN else _HANDSHAKE.get(name)


def read_plain(headers: Headers, version: str, body: bytes) -> Plain | None:
    """The request in `body`; None where anything about it is unusual."""
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or not _is_request(fields := cast("dict[str, Any]", message)):
        return None
    params = fields.get("params", {})
    if not isinstance(params, dict) or not _is_usual_meta(params := cast("dict[str, Any]", params), version):
        return None
    tool = params.get("name")
    usual = _is_call(params) if fields["method"] == "tools/call" else params.keys() <= {"_meta"}
    if not usual or (version == LATEST_MODERN_VERSION and not _are_routed(headers, fields["method"], tool)):
        return None
    return Plain(fields["id"], version, tool, params.get("arguments", {}))


def _is_request(message: dict[str, Any]) -> bool:
    return (
        message.keys() <= _KEYS
        and message.get("jsonrpc") == "2.0"
        and message.get("method") in {"tools/call", "tools/list"}
        # Not isinstance: true is a number to Python.
        and type(message.get("id")) in {str, int}
    )


def _is_call(params: dict[str, Any]) -> bool:
    name, arguments = params.get("name"), params.get("arguments", {})
    return (
        params.keys() <= {"name", "arguments", "_meta"}
        and isinstance(name, str)
        and isinstance(arguments, dict)
        and all(map(_is_flat, cast("dict[str, Any]", arguments).values()))
    )


def _are_routed(headers: Headers, method: str, tool: str | None) -> bool:
    # The stateless era repeats in headers what gateways look at; both must say the same.
    named = headers.get(b"mcp-name")
    return headers.get(b"mcp-method") == method.encode() and (tool is None or named == tool.encode("utf-8"))


def _is_flat(value: Any) -> bool:
    # Deep nesting is refused by the SDK's reader, at a depth of its own.
    if isinstance(value, list):
        return not any(isinstance(part, list | dict) for part in cast("list[Any]", value))
    return not isinstance(value, dict)


def _is_usual_meta(params: dict[str, Any], version: str) -> bool:
    meta = params.get("_meta")
    if meta is None:
        return "_meta" not in params and version != LATEST_MODERN_VERSION
    if not isinstance(meta, dict):
        return False
    fields = cast("dict[str, Any]", meta)
    if version == LATEST_MODERN_VERSION and fields.get(_VERSION_KEY) != version:
        return False
    # Nothing is told of progress, so nothing depends on it; its token is another one in each request.
    token = fields.get("progressToken", 0)
    kept = {key: value for key, value in fields.items() if key != "progressToken"}
    return type(token) in {str, int} and _is_valid_meta(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS), version)


@lru_cache(maxsize=1024)
def _is_valid_meta(meta: bytes, version: str) -> bool:
    # A client's is the same in all its requests.
    if len(meta) > MAX_META:
        return False
    try:
        methods.validate_client_request("tools/list", version, {"_meta": orjson.loads(meta)})
    except (ValidationError, KeyError, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _accepts(accept: bytes) -> bool:
    named = {part.partition(b";")[0].strip().lower() for part in accept.split(b",")}
    return named.issuperset(_TYPES)
