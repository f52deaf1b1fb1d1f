"""Plain requests answered without the SDK, which takes several times as long; everything else is handed back unread."""

from asyncio import timeout
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
import structlog
from mcp.server import CacheHint
from mcp.server.caching import apply_cache_hint
from mcp_types import INTERNAL_ERROR, ListToolsResult, methods
from mcp_types.version import LATEST_MODERN_VERSION
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shortmcp import __version__
from shortmcp.core.context import Caller
from shortmcp.core.errors import OperationError
from shortmcp.faces.bodies import BODY_SECONDS
from shortmcp.faces.identity import Gate
from shortmcp.faces.mcp_server.plain import Plain, read_plain, read_version
from shortmcp.faces.mcp_server.results import write_refusal, write_result
from shortmcp.faces.mcp_server.tools import BUG, Toolbox
from shortmcp.faces.mcp_server.transport import AllowedHosts, refuse_error, replaying
from shortmcp.faces.mcp_server.visits import Visit, read_wish
from shortmcp.faces.threads import Crew

log = structlog.get_logger("shortmcp.mcp")
# What a result of the stateless era says beside its content.
_SERVER = {"name": "shortmcp", "title": "shortmcp", "version": __version__}
_MODERN = {"resultType": "complete", "_meta": {"io.modelcontextprotocol/serverInfo": _SERVER}}
# So many lists of tools can be asked for with the toolsets that there are.
_LISTS = 512


class Shortcut:
    """Answers plain requests: one hop to a thread for a tool, none for a list."""

    def __init__(self, toolbox: Toolbox, gate: Gate, crew: Crew, hosts: AllowedHosts, cache_hint: CacheHint) -> None:
        self._toolbox = toolbox
        self._crew = crew
        self._gate = gate
        self._cache_hint = cache_hint
        self._allows = lru_cache(maxsize=1024)(hosts.allows)
        self._list = lru_cache(maxsize=_LISTS)(self._write_list)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> tuple[bool, Receive]:
        """Whether the request is answered; where it is not, what is left to be received of it."""
        headers = dict(scope["headers"])
        version = read_version(headers) if len(headers) == len(scope["headers"]) else None
        if version is None or scope["method"] != "POST" or not self._is_allowed(headers):
            return False, receive
        first = await _receive_first(receive)
        if first is None or first["type"] != "http.request" or first.get("more_body", False):
            return False, receive if first is None else replaying(first, receive)
        plain = read_plain(headers, version, first.get("body", b""))
        if plain is None or (plain.tool is not None and self._toolbox.find(plain.tool) is None):
            return False, replaying(first, receive)
        # A list needs nothing but to know whose it is.
        caller = self._gate.recall(_read_authorization(headers)) if plain.tool is None else None
        if caller is None:
            answer = await self._crew.run(self._answer, scope, headers, plain)
        else:
            answer = self._answer(scope, headers, plain, caller)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        else:
            await _send(answer, send)
        return True, receive

    def _is_allowed(self, headers: Mapping[bytes, bytes]) -> bool:
        host, origin = headers.get(b"host", b""), headers.get(b"origin", b"")
        return self._allows(host.decode("latin-1"), origin.decode("latin-1"))

    def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], plain: Plain, caller: Caller | None = None
    ) -> bytes | Response:
        try:
            return self._perform(scope, headers, plain, caller)
        except Exception:
            log.exception("unexpected error", tool=plain.tool)
            return _write(plain, {"error": {"code": INTERNAL_ERROR, "message": BUG}})

    def _perform(
        self, scope: Scope, headers: Mapping[bytes, bytes], plain: Plain, caller: Caller | None
    ) -> bytes | Response:
        try:
            caller = caller or self._gate.identify(_read_authorization(headers))
            wish = read_wish(scope["query_string"], headers.get(b"x-mcp-toolsets", b""), headers.get(b"x-mcp-readonly"))
        except OperationError as error:
            return refuse_error(error)
        visit = Visit(caller, *wish)
        if plain.tool is None:
            shown = self._list(plain.version, visit.toolsets, visit.may_write())
            return _write(plain, {"result": orjson.Fragment(shown)})
        return _write(plain, self._call(plain, visit, plain.tool))

    def _call(self, plain: Plain, visit: Visit, tool: str) -> dict[str, Any]:
        operation = self._toolbox.find(tool)
        assert operation is not None  # noqa: S101 - looked at before the hop
        try:
            result = write_result(self._toolbox.run(operation, visit, plain.arguments))
        except OperationError as error:
            result = write_refusal(error)
        return {"result": result | _MODERN if plain.version == LATEST_MODERN_VERSION else result}

    def _write_list(self, version: str, toolsets: frozenset[str], may_write: bool) -> bytes:
        shown = apply_cache_hint(
            ListToolsResult(tools=self._toolbox.shown(toolsets, may_write=may_write)), self._cache_hint
        )
        dumped = shown.model_dump(mode="json", by_alias=True, exclude_none=True)
        result = methods.serialize_server_result("tools/list", version, dumped)
        return orjson.dumps(result | _MODERN if version == LATEST_MODERN_VERSION else result)


def _read_authorization(headers: Mapping[bytes, bytes]) -> list[str]:
    sent = headers.get(b"authorization")
    return [] if sent is None else [sent.decode("latin-1")]


async def _receive_first(receive: Receive) -> Message | None:
    try:
        async with timeout(BODY_SECONDS):
            return await receive()
    except TimeoutError:
        return None


def _write(plain: Plain, outcome: dict[str, Any]) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": plain.request_id, **outcome})


async def _send(body: bytes, send: Send) -> None:
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
