"""The outermost ASGI app: plain redirects at once, other visits the long way, everything else handed on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import time_ns

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from shortmcp.clicks.journal import Journal
from shortmcp.clicks.resolve import Resolver, Target
from shortmcp.clicks.visits import encode_visit
from shortmcp.core.domains import OWN, qualify
from shortmcp.core.errors import OperationError
from shortmcp.faces.addresses import Client, Found, Headers, client_address, read_address
from shortmcp.faces.grouping import Group
from shortmcp.faces.pages import away_page
from shortmcp.faces.public.codes import plain_host, read_code, read_display, read_host
from shortmcp.faces.public.displays import Displays
from shortmcp.faces.public.locks import Locks
from shortmcp.faces.public.pastes import Pastes, read_paste
from shortmcp.faces.public.requests import Request, Services, is_prefetch
from shortmcp.faces.public.sending import EMPTY, redirect_start, send_page
from shortmcp.faces.public.visits import Visits
from shortmcp.faces.usual_get import Visit

LOOKUP_THREADS = 4


@dataclass
class Counts:
    """What the process has answered so far."""

    redirects: int = 0
    fallbacks: int = 0


class PublicFace:
    """Redirects known codes, shows visitors what else there is to a code, hands everything else on to `inner`."""

    def __init__(
        self, inner: ASGIApp, resolver: Resolver, journal: Journal, services: Services, *, reads_block: bool
    ) -> None:
        self.counts = Counts()
        self._inner = inner
        self._known = resolver.known
        self._write = journal.write
        self._write_all = journal.write_all
        self.group = Group(self._record_all)
        self._trusted = services.trusted
        self._domains = services.domains
        self._find = _in_thread(resolver.find) if reads_block else _at_once(resolver.find)
        self._displays = Displays(services)
        locks = Locks(services)
        self._pastes = Pastes(services, locks)
        self._visits = Visits(services, locks, self._record_request, self._count_fallback)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        # What most visits are, with no call more than it takes: a dozen microseconds are the whole budget.
        headers, domain = scope["headers"], ""
        name = scope["path"][1:]
        if self._domains:
            domain, name = self._name(headers, name)
        target = self._known.get(name)
        if target is not None and scope["method"] == "GET" and target.is_plain((now := time_ns()) // 1000):
            self._record(target, headers, dict(headers), scope["client"], scope["query_string"], now)
            await send(redirect_start(target.destination))
            await send(EMPTY)
        elif (code := read_code(scope["path"])) is not None:
            await self._visit(Request(scope, receive, send, code, domain))
        elif (asked := read_display(scope["path"])) is not None:
            display, code = asked
            await self._displays.answer(Request(scope, receive, send, code, domain), display)
        elif (named := read_paste(scope["path"])) is not None:
            code, alone = named
            await self._pastes.answer(Request(scope, receive, send, code, OWN), alone=alone)
        else:
            await self._inner(scope, receive, send)

    def answer(self, url: bytes, headers: Headers, found: Found, client: Client) -> bytes | None:
        """Record a GET of `url`, a raw request target, and return where it leads; None if it must go the long way.

        `found` are the `headers` by name.
        """
        path, _, query = url.partition(b"?")
        name = path[1:].decode("latin-1")
        if self._domains:
            _, name = self._name(headers, name)
        if (target := self._known.get(name)) is None or path[:1] != b"/":
            return None
        now = time_ns()
        if not target.is_plain(now // 1000):
            return None
        self._record(target, headers, found, client, query, now)
        return target.destination

    def answer_usual(self, visit: Visit, client: Client) -> tuple[bytes, bytes] | None:
        """Where a visit that is no prefetch leads, as `usual_get` reads it, and what the journal shall hold of it.

        None if it must go the long way. Nothing is recorded: that is for `group` to do.
        """
        name, query, host, agent, referrer, language, forwarded = visit
        if self._domains:
            name = qualify(self._domains.get(plain_host(host.encode("latin-1")), OWN), name)
        if (target := self._known.get(name)) is None:
            return None
        now = time_ns()
        if not target.is_plain(now // 1000):
            return None
        address = client[0] if client else ""
        if forwarded and self._trusted:
            address = client_address(address, forwarded, self._trusted)
        payload = encode_visit(
            target.link_id, now // 1_000_000, address, agent, referrer, language, query, prefetch=False
        )
        return target.destination, payload

    async def _visit(self, request: Request) -> None:
        try:
            await self._visits.answer(request, await self._find(request.name))
        except OperationError:
            await send_page(request.send, away_page(), with_body=request.method != "HEAD")

    def _name(self, headers: Headers, code: str) -> tuple[str, str]:
        domain = self._domains.get(read_host(headers), "")
        # What other domains have is kept under names with a slash: nobody may ask for these themselves.
        return domain, "" if "/" in code else qualify(domain, code)

    def _record_request(self, target: Target, request: Request, now: int) -> None:
        scope = request.scope
        self._record(target, scope["headers"], request.headers, scope["client"], scope["query_string"], now)

    def _record(self, target: Target, headers: Headers, found: Found, client: Client, query: bytes, now: int) -> None:
        address = client[0] if client else ""
        if self._trusted and b"x-forwarded-for" in found:
            address = read_address(client, headers, self._trusted)
        self._write(
            encode_visit(
                target.link_id,
                now // 1_000_000,
                address,
                found.get(b"user-agent", b"").decode("latin-1"),
                found.get(b"referer", b"").decode("latin-1"),
                found.get(b"accept-language", b"").decode("latin-1"),
                query.decode("latin-1"),
                is_prefetch(found),
            )
        )
        self.counts.redirects += 1

    def _record_all(self, payloads: Sequence[bytes]) -> None:
        self._write_all(payloads)
        self.counts.redirects += len(payloads)

    def _count_fallback(self) -> None:
        self.counts.fallbacks += 1


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
