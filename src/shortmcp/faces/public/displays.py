"""What can be seen of a code beside where it leads: its QR image, and its statistics where its owner shows them."""

from asyncio import wait_for, wrap_future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from shortmcp.core.complaints import unknown_field
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.qr import draw_png, draw_svg
from shortmcp.core.qrcodes import QrStyle
from shortmcp.faces.pages import Page, away_page, statistics_page, unknown_page
from shortmcp.faces.public.codes import Display
from shortmcp.faces.public.requests import Request, Services
from shortmcp.faces.public.sending import NO_STORE, make_file, send_nothing, send_page

THREADS = 2
PATIENCE_SECONDS = 5.0
# For a code its image is always the same; a code that was deleted should not be shown for long.
KEPT = (b"cache-control", b"public, max-age=300")


class Displays:
    """Shows them. Nothing is counted: looking at a link is not following it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._makers: dict[Display, Callable[[Request], Page]] = {
            Display.STATISTICS: self._make_statistics,
            Display.QR_CODE: self._make_qr_code,
        }
        # Of its own, and of so many threads alone: what takes long is not waited for, but goes on holding its thread.
        self._threads = ThreadPoolExecutor(THREADS, "displays")

    async def answer(self, request: Request, display: Display) -> None:
        """Answer one request, in a few seconds whatever happens."""
        if request.method not in {"GET", "HEAD"}:
            await send_nothing(request.send, 405, (b"allow", b"GET, HEAD"))
            return
        made = self._threads.submit(self._make, request, display)
        try:
            page = await wait_for(wrap_future(made), PATIENCE_SECONDS)
        except TimeoutError:
            page = away_page()
        caching = KEPT if display is Display.QR_CODE and page.status == 200 else NO_STORE  # noqa: PLR2004
        await send_page(request.send, page, with_body=request.method != "HEAD", caching=caching)

    def _make(self, request: Request, display: Display) -> Page:
        try:
            return self._makers[display](request)
        except OperationError as error:
            if error.code is Code.NOT_FOUND:
                return unknown_page()
            return _refusal(error) if error.code is Code.INVALID else away_page()

    def _make_statistics(self, request: Request) -> Page:
        return statistics_page(self._services.show_statistics({"short_code": request.code, "domain": request.domain}))

    def _make_qr_code(self, request: Request) -> Page:
        asked = {**_read_style(request), "short_code": request.code, "domain": request.domain}
        code = self._services.show_qr_code(asked)
        if code.format == "png":
            return make_file(200, "image/png", draw_png(code.drawing))
        return make_file(200, "image/svg+xml", draw_svg(code.drawing))


def _read_style(request: Request) -> dict[str, Any]:
    try:
        asked = dict(parse_qsl(request.scope["query_string"].decode(), errors="strict", max_num_fields=10))
    except ValueError as error:
        raise invalid("query", "The query string must be percent-encoded UTF-8 with at most 10 fields.") from error
    for name in asked.keys() - QrStyle.model_fields.keys():
        raise invalid(*unknown_field(name, QrStyle.model_fields))
    return asked


def _refusal(error: OperationError) -> Page:
    return make_file(422, "text/plain; charset=utf-8", error.sentence)
