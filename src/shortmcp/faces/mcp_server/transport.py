"""The way in for MCP messages, whoever may send them: method, host, size and envelope, then the SDK's transport."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Send

from shortmcp.core.errors import Code, OperationError
from shortmcp.faces.bodies import read_body
from shortmcp.faces.mcp_server.envelope import EnvelopeError, check_message

MAX_BODY = 4 << 20
STATUS = {Code.UNAUTHENTICATED: 401, Code.FORBIDDEN: 403, Code.TOO_LARGE: 413, Code.UNAVAILABLE: 503}


@dataclass(frozen=True)
class AllowedHosts:
    """Host headers and browser origins that /mcp answers to; `:*` at the end stands for any port."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]

    def allows(self, host: str, origin: str) -> bool:
        """Whether a request with these headers is let in; no origin is sent by what is no browser."""
        return _is_among(host, self.hosts) and (not origin or _is_among(origin, self.origins))


@dataclass(frozen=True)
class Transport:
    """Streamable HTTP around one SDK server. It knows no tokens: the face stands between `check` and `serve`."""

    manager: StreamableHTTPSessionManager
    security: TransportSecuritySettings

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Keep the SDK's tasks alive; must be entered once, for as long as it serves."""
        async with self.manager.run():
            yield

    async def check(self, request: Request) -> Response | None:
        """The refusal of a request that is no POST of JSON to this host from an allowed origin."""
        if request.method != "POST":
            # A GET would hold an idle stream that a revoked token keeps open.
            return refuse(405, "MCP over HTTP takes POST alone here.", {"Allow": "POST"})
        refused = await TransportSecurityMiddleware(self.security).validate_request(request, is_post=True)
        if refused is None:
            return None
        return refuse(refused.status_code, bytes(refused.body).decode() + ".")

    async def serve(self, request: Request, send: Send) -> None:
        """Answer a request that was let in."""
        # httptools leaves spaces behind a header's value, which RFC 9110 does not count to it; the SDK compares whole.
        headers = [(name, value.strip(b" \t")) for name, value in request.scope["headers"]]
        scope = {**request.scope, "headers": headers}
        try:
            body = await read_body(request, MAX_BODY)
            check_message(body, Headers(scope=scope).get("mcp-protocol-version"))
        except OperationError as error:
            await refuse_error(error)(scope, request.receive, send)
        except EnvelopeError as error:
            await Response(error.body(), 400, media_type="application/json")(scope, request.receive, send)
        else:
            whole = {"type": "http.request", "body": body, "more_body": False}
            await self.manager.handle_request(scope, replaying(whole, request.receive), send)


def _is_among(value: str, allowed: tuple[str, ...]) -> bool:
    return any(value == one or (one.endswith(":*") and value.startswith(one[:-1])) for one in allowed)


def make_transport(server: Server[Any], hosts: AllowedHosts) -> Transport:
    """The transport of `server`: stateless, in both protocol eras."""
    # Always given: bound to 0.0.0.0 without it, the SDK checks neither Host nor Origin.
    security = TransportSecuritySettings(allowed_hosts=list(hosts.hosts), allowed_origins=list(hosts.origins))
    return Transport(StreamableHTTPSessionManager(server, stateless=True, security_settings=security), security)


def refuse(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal before there is a message to answer."""
    body = {"error": "refused", "message": sentence}
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


def refuse_error(error: OperationError) -> Response:
    """The refusal of a caller or of a body."""
    headers = {"WWW-Authenticate": "Bearer"} if error.code is Code.UNAUTHENTICATED else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return refuse(STATUS.get(error.code, 400), error.sentence, headers)


def replaying(first: Message, receive: Receive) -> Receive:
    """`receive` with a message in front that was received already."""
    pending = [first]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
