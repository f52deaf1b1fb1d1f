"""Secrets at their short URLs: looking at one uses nothing up, only its button opens it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.secrets.models import SecretFront
from shortmcp.faces.pages import (
    Page,
    TooManyTries,
    WrongPassword,
    away_page,
    opened_secret_page,
    secret_gone_page,
    secret_page,
)
from shortmcp.faces.public.forms import read_field
from shortmcp.faces.public.requests import Request, Services
from shortmcp.faces.public.sending import send_nothing, send_page

# Of their own, like those of other visits that the database may hold up.
THREADS = 8
Made = Callable[[], Page]


class Secrets:
    """Shows that there is a secret, and opens it for whoever asks for that."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._threads = CapacityLimiter(THREADS)

    async def answer(self, request: Request) -> None:
        """Answer one visit of a secret."""
        if request.method not in {"GET", "HEAD", "POST"}:
            await send_nothing(request.send, 405, (b"allow", b"GET, HEAD, POST"))
            return
        make = partial(self._show, request)
        if request.method == "POST":
            make = partial(self._open, request, await read_field(request, "passphrase"))
        page = await to_thread.run_sync(_answer, make, limiter=self._threads)
        await send_page(request.send, page, with_body=request.method != "HEAD")

    def _show(self, request: Request) -> Page:
        return secret_page(request.scope["path"], self._front(request))

    def _open(self, request: Request, passphrase: str) -> Page:
        front = self._front(request)
        asked: Mapping[str, Any] = {"slug": request.code, "visitor": request.address(self._services.trusted)}
        try:
            opened = self._services.open_secret({**asked, "passphrase": passphrase or None})
        except OperationError as error:
            if error.code is Code.RATE_LIMITED:
                return secret_page(request.scope["path"], front, TooManyTries(error.retry_after or 1))
            if error.code in {Code.FORBIDDEN, Code.INVALID}:
                return secret_page(request.scope["path"], front, WrongPassword())
            raise
        return opened_secret_page(opened, front)

    def _front(self, request: Request) -> SecretFront:
        return self._services.show_secret({"slug": request.code})


def _answer(make: Made) -> Page:
    try:
        return make()
    except OperationError as error:
        # The code is known: what is not found there was deleted.
        return secret_gone_page() if error.code in {Code.GONE, Code.NOT_FOUND} else away_page()
