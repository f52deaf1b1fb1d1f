"""The visits that are more than a plain redirect: passwords, limits, masks, previews, and links that do not work."""

from collections.abc import Callable
from time import time_ns

from anyio import CapacityLimiter, to_thread

from shortmcp.clicks.enrich import is_preview
from shortmcp.clicks.resolve import Powers, Shared, State, Target
from shortmcp.faces.pages import (
    OpenGraph,
    Page,
    blocked_page,
    disabled_page,
    expired_page,
    gone_page,
    masked_page,
    password_page,
    preview_page,
    unknown_page,
    used_up_page,
)
from shortmcp.faces.public.forwarding import add_query
from shortmcp.faces.public.locks import Locks
from shortmcp.faces.public.requests import Request, Services, is_prefetch
from shortmcp.faces.public.secrets import Secrets
from shortmcp.faces.public.sending import Header, send_nothing, send_page, send_redirect

Recorder = Callable[[Target, Request, int], None]
CAP_THREADS = 8
NEAR_THREADS = 2
_NOT_WORKING: dict[State, Callable[[], Page]] = {
    State.DISABLED: disabled_page,
    State.EXPIRED: expired_page,
    State.BLOCKED: blocked_page,
    State.DELETED: gone_page,
}


class Visits:
    """Answers visits; `record` writes a click into the journal."""

    def __init__(self, services: Services, locks: Locks, record: Recorder, count_fallback: Callable[[], None]) -> None:
        self._services = services
        self._record = record
        self._count_fallback = count_fallback
        self._locks = locks
        self._secrets = Secrets(services)
        # Of its own: while the database is slow, those who wait here must not take the threads from everybody else.
        self._cap_threads = CapacityLimiter(CAP_THREADS)
        self._near_threads = CapacityLimiter(NEAR_THREADS)

    async def answer(self, request: Request, target: Target | None) -> None:
        """Answer one visit of a code that leads to `target`."""
        if target is not None and target.is_secret:
            await self._secrets.answer(request)
            return
        locked = target is not None and target.powers is not None and target.powers.password_hash is not None
        if request.method not in {"GET", "HEAD"} and not (request.method == "POST" and locked):
            await send_nothing(request.send, 405, (b"allow", b"GET, HEAD, POST" if locked else b"GET, HEAD"))
        elif target is None:
            await self._show(request, unknown_page(await self._suggest(request)))
        elif (state := target.state(time_ns() // 1000)) is not State.WORKS:
            fallback = None if state is State.BLOCKED else target.fallback
            await self._refuse(request, fallback, _NOT_WORKING[state])
        elif target.powers is None:
            await self._lead(request, target)
        elif target.powers.password_hash is not None:
            await self._unlock(request, target, target.powers)
        else:
            await self._visit(request, target, target.powers)

    async def _visit(self, request: Request, target: Target, powers: Powers, *more: Header) -> None:
        headers = request.headers
        limited = powers.is_capped or powers.is_masked
        if is_preview(headers.get(b"user-agent", b"").decode("latin-1")) and (limited or powers.shared):
            await self._show(request, self._preview(request, powers))
        elif powers.is_capped and request.method == "HEAD":
            # It uses no click up, so it must not tell what a click is needed for.
            await self._show(request, self._preview(request, powers))
        elif powers.is_capped and is_prefetch(headers):
            # The browser asks again when somebody really clicks.
            await send_nothing(request.send, 503)
        elif powers.is_capped and not await self._use_click(target):
            await self._refuse(request, target.fallback, used_up_page)
        else:
            await self._lead(request, target, *more)

    async def _unlock(self, request: Request, target: Target, powers: Powers) -> None:
        subject, hashed = f"link:{target.link_id}", powers.password_hash or ""
        if request.method == "POST":
            refused = await self._locks.try_password(request, subject, hashed)
            if refused is None:
                await self._visit(request, target, powers, self._locks.make_cookie(request, subject, hashed))
            else:
                await self._show(request, refused)
        elif self._locks.is_open(request, subject, hashed):
            await self._visit(request, target, powers)
        else:
            await self._show(request, password_page(request.target))

    async def _lead(self, request: Request, target: Target, *more: Header) -> None:
        if request.method != "HEAD":
            self._record(target, request, time_ns())
        powers, destination = target.powers, target.destination
        if powers is not None and powers.forwards_query:
            destination = add_query(destination, request.scope["query_string"])
        if powers is not None and powers.is_masked:
            shared = self._open_graph(request, powers.shared)
            page = masked_page(destination.decode("ascii"), shared.title, shared)
            await self._show(request, page, *more)
        else:
            await send_redirect(request.send, destination, _status(request), *more)

    async def _refuse(self, request: Request, fallback: bytes | None, page: Callable[[], Page]) -> None:
        if fallback is None:
            await self._show(request, page())
        else:
            self._count_fallback()
            await send_redirect(request.send, fallback, _status(request))

    async def _show(self, request: Request, page: Page, *more: Header) -> None:
        await send_page(request.send, page, *more, with_body=request.method != "HEAD")

    async def _suggest(self, request: Request) -> list[str]:
        if self._services.find_near is None or request.method == "HEAD":
            return []
        near = await to_thread.run_sync(
            self._services.find_near, request.domain, request.code, limiter=self._near_threads
        )
        return [self._services.short_url(code, request.domain) for code in near]

    async def _use_click(self, target: Target) -> bool:
        return await to_thread.run_sync(self._services.use_click, target.link_id, limiter=self._cap_threads)

    def _preview(self, request: Request, powers: Powers) -> Page:
        return preview_page(self._short_url(request), self._open_graph(request, powers.shared))

    def _open_graph(self, request: Request, shared: Shared | None) -> OpenGraph:
        # The link's own title is for its owner's eyes.
        title = self._short_url(request).partition("://")[2]
        return (
            OpenGraph(title) if shared is None else OpenGraph(shared.title or title, shared.description, shared.image)
        )

    def _short_url(self, request: Request) -> str:
        return self._services.short_url(request.code, request.domain)


def _status(request: Request) -> int:
    # After a form was posted only 303 makes every client ask with GET.
    return 303 if request.method == "POST" else 302
