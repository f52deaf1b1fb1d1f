"""What visitors reach: `/{code}`, answered before any routing, with the click in the journal first."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from time import time_ns
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from shortmcp.clicks.journal import Journal
from shortmcp.clicks.resolve import Resolver, Target
from shortmcp.clicks.visits import encode_visit
from shortmcp.core.codes import MAX_LENGTH, RESERVED
from shortmcp.core.errors import OperationError
from shortmcp.faces.pages import Page, away_page, gone_page, unknown_page

Network = IPv4Network | IPv6Network
Headers = list[tuple[bytes, bytes]]
Client = tuple[str, int] | None
_CODE = re.compile(rf"[a-z0-9-]{{1,{MAX_LENGTH}}}")
_PREFETCH = frozenset({b"sec-purpose", b"purpose", b"x-moz", b"x-purpose"})
_NO_STORE = (b"cache-control", b"private, no-store")
LOOKUP_THREADS = 4
_NO_BODY = (b"content-length", b"0")
_EMPTY = {"type": "http.response.body", "body": b""}


@dataclass
class Counts:
    """What the process has answered so far."""

    redirects: int = 0
    fallbacks: int = 0


class PublicFace:
    """The outermost ASGI app: redirects known codes, hands everything else on."""

    def __init__(
        self,
        inner: ASGIApp,
        resolver: Resolver,
        journal: Journal,
        trusted: tuple[Network, ...],
        *,
        reads_block: bool,
    ) -> None:
        self.counts = Counts()
        self._inner = inner
        self._resolver = resolver
        self._known = resolver.known
        self._write = journal.write
        self._trusted = trusted
        self._find = _in_thread(resolver.find) if reads_block else _at_once(resolver.find)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        # What most visits are, with no call more than it takes: a dozen microseconds are the whole budget.
        target = self._known.get(scope["path"][1:])
        if target is not None and scope["method"] == "GET" and target.works((now := time_ns()) // 1000):
            self._record(target, scope["headers"], scope["client"], scope["query_string"], now)
            await send(_redirect_start(target.destination))
            await send(_EMPTY)
        elif (code := _read_code(scope["path"])) is not None:
            await self._visit(code, scope, send)
        else:
            await self._inner(scope, receive, send)

    async def _visit(self, code: str, scope: Scope, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _send(send, 405, [(b"allow", b"GET, HEAD"), _NO_BODY])
            return
        try:
            target = await self._find(code)
        except OperationError:
            await _show(scope, send, away_page())
            return
        if target is None:
            await _show(scope, send, unknown_page())
        elif target.works((now := time_ns()) // 1000):
            if scope["method"] == "GET":
                self._record(target, scope["headers"], scope["client"], scope["query_string"], now)
            await _redirect(send, target.destination)
        elif target.fallback is not None:
            self.counts.fallbacks += 1
            await _redirect(send, target.fallback)
        else:
            await _show(scope, send, gone_page())

    def answer(self, url: bytes, headers: Headers, client: Client) -> bytes | None:
        """Record a GET of `url`, a raw request target, and return where it leads; None if it must go the long way."""
        path, _, query = url.partition(b"?")
        if path[:1] != b"/" or (target := self._known.get(path[1:].decode("latin-1"))) is None:
            return None
        now = time_ns()
        if not target.works(now // 1000):
            return None
        self._record(target, headers, client, query, now)
        return target.destination

    def _record(self, target: Target, headers: Headers, client: Client, query: bytes, now: int) -> None:
        found: dict[bytes, bytes] = dict(headers)
        address = client[0] if client else ""
        if self._trusted and b"x-forwarded-for" in found:
            address = client_address(address, _all_of(b"x-forwarded-for", headers), self._trusted)
        self._write(
            encode_visit(
                target.link_id,
                now // 1_000_000,
                address,
                found.get(b"user-agent", b"").decode("latin-1"),
                found.get(b"referer", b"").decode("latin-1"),
                found.get(b"accept-language", b"").decode("latin-1"),
                query.decode("latin-1"),
                not _PREFETCH.isdisjoint(found) and _is_prefetch(found),
            )
        )
        self.counts.redirects += 1


def _is_prefetch(headers: dict[bytes, bytes]) -> bool:
    said = b" ".join(headers.get(name, b"") for name in _PREFETCH).lower()
    return b"prefetch" in said or b"preview" in said


def _all_of(wanted: bytes, headers: Headers) -> str:
    return b",".join(value for name, value in headers if name == wanted).decode("latin-1")


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """The address nearest to the visitor that a trusted proxy vouches for, from `X-Forwarded-For` read backwards."""
    address = peer
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_trusted(address, trusted):
            return address
        address = _without_port(hop)
    return address


def _without_port(hop: str) -> str:
    # Some gateways write 198.51.100.7:51234 and [2001:db8::7]:51234.
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=4096)
def _is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        # What an IPv4 proxy looks like on a socket that takes both.
        parsed = parsed.ipv4_mapped or parsed
    return any(parsed in network for network in trusted)


def _read_code(path: str) -> str | None:
    code = path[1:].removesuffix("/").lower()
    # Of the path as it came: outside ASCII there are letters, such as the Kelvin sign, that become ASCII in lower case.
    return code if path.isascii() and _CODE.fullmatch(code) and code not in RESERVED else None


def _at_once(find: Callable[[str], Target | None]) -> Callable[[str], Awaitable[Target | None]]:
    # 7 to 15 microseconds on the loop's thread: a hop to another one costs more.
    async def found(code: str) -> Target | None:
        return find(code)

    return found


def _in_thread(find: Callable[[str], Target | None]) -> Callable[[str], Awaitable[Target | None]]:
    # Of its own: while the database is away, those who wait here must not take the threads from everybody else.
    limiter = CapacityLimiter(LOOKUP_THREADS)

    async def found(code: str) -> Target | None:
        return await to_thread.run_sync(find, code, limiter=limiter)

    return found


def _redirect_start(location: bytes) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 302, "headers": [(b"location", location), _NO_STORE, _NO_BODY]}


async def _redirect(send: Send, location: bytes) -> None:
    await send(_redirect_start(location))
    await send(_EMPTY)


async def _show(scope: Scope, send: Send, page: Page) -> None:
    body = page.body if scope["method"] == "GET" else b""
    await _send(send, page.status, page.headers, body)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": [*headers, _NO_STORE]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
