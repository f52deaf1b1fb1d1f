"""Pastes: a page with the text in colours, and the text alone."""

import re
from asyncio import wait_for, wrap_future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shortmcp.clicks.enrich.agent import read_agent
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.pastes.finding import PasteExpired
from shortmcp.core.pastes.visits import VisitedPaste
from shortmcp.faces.pages import (
    Page,
    away_page,
    expired_page,
    gone_page,
    password_page,
    paste_page,
    texts,
    unknown_page,
)
from shortmcp.faces.public.locks import Locks
from shortmcp.faces.public.requests import Request, Services, is_prefetch
from shortmcp.faces.public.sending import make_file, send_nothing, send_page, send_redirect

THREADS = 2
PATIENCE_SECONDS = 5.0
_PATH = re.compile(r"/paste/([A-Za-z0-9]{1,64})(/raw)?/?")
_TEXT = "text/plain; charset=utf-8"
Made = TypeVar("Made")


def read_paste(path: str) -> tuple[str, bool] | None:
    """The code of the paste that a path names, and whether its text alone is asked for; None where it names none."""
    found = _PATH.fullmatch(path)
    return None if found is None else (found[1], found[2] is not None)


class Pastes:
    """Shows them, and counts who reads them."""

    def __init__(self, services: Services, locks: Locks) -> None:
        self._services = services
        self._locks = locks
        # Of its own: colouring a long text takes a while, and others need not wait for it.
        self._threads = ThreadPoolExecutor(THREADS, "pastes")

    async def answer(self, request: Request, *, alone: bool) -> None:
        """Answer one request of a paste, whose text may be asked for `alone`."""
        methods = {"GET", "HEAD"} if alone else {"GET", "HEAD", "POST"}
        if request.method not in methods:
            await send_nothing(request.send, 405, (b"allow", ", ".join(sorted(methods)).encode()))
            return
        try:
            await self._answer(request, alone=alone)
        except (OperationError, TimeoutError) as error:
            await _show(request, _refusal(error))

    async def _answer(self, request: Request, *, alone: bool) -> None:
        paste = await self._run(lambda: self._services.show_paste({"paste_code": request.code}))
        hashed = paste.password_hash
        if request.method == "POST":
            await self._unlock(request, paste)
        elif hashed is None or self._locks.is_open(request, paste.subject, hashed):
            await _show(request, await self._run(lambda: self._make(request, paste, alone=alone)))
        else:
            await _show(request, make_file(403, _TEXT, texts.PASTE_LOCKED) if alone else password_page(request.target))

    async def _unlock(self, request: Request, paste: VisitedPaste) -> None:
        if paste.password_hash is None:
            await send_nothing(request.send, 405, (b"allow", b"GET, HEAD"))
            return
        refused = await self._locks.try_password(request, paste.subject, paste.password_hash)
        if refused is not None:
            await _show(request, refused)
        else:
            cookie = self._locks.make_cookie(request, paste.subject, paste.password_hash)
            await send_redirect(request.send, request.scope["path"].encode("ascii"), 303, cookie)

    def _make(self, request: Request, paste: VisitedPaste, *, alone: bool) -> Page:
        page = make_file(200, _TEXT, paste.content) if alone else paste_page(paste)
        if request.method == "GET" and _is_person(request):
            self._services.count_view(paste.id)
        return page

    async def _run(self, make: Callable[[], Made]) -> Made:
        return await wait_for(wrap_future(self._threads.submit(make)), PATIENCE_SECONDS)


def _is_person(request: Request) -> bool:
    headers = request.headers
    return not is_prefetch(headers) and not read_agent(headers.get(b"user-agent", b"").decode("latin-1")).bot


def _refusal(error: OperationError | TimeoutError) -> Page:
    match error:
        case OperationError(code=Code.NOT_FOUND):
            return unknown_page()
        case PasteExpired():
            return expired_page()
        case OperationError(code=Code.GONE):
            return gone_page()
        case _:
            return away_page()


async def _show(request: Request, page: Page) -> None:
    await send_page(request.send, page, with_body=request.method != "HEAD")
