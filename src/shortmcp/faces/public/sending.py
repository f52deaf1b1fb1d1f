"""Answers to visitors as ASGI messages; none may be kept by anybody, if not said otherwise."""

from typing import Any

from starlette.types import Send

from shortmcp.faces.pages import Page

NO_STORE = (b"cache-control", b"private, no-store")
NO_BODY = (b"content-length", b"0")
EMPTY = {"type": "http.response.body", "body": b""}
Header = tuple[bytes, bytes]


def redirect_start(location: bytes, status: int = 302) -> dict[str, Any]:
    """The beginning of a redirect."""
    return {"type": "http.response.start", "status": status, "headers": [(b"location", location), NO_STORE, NO_BODY]}


async def send_redirect(send: Send, location: bytes, status: int = 302, *more: Header) -> None:
    """Redirect, with `more` headers."""
    start = redirect_start(location, status)
    start["headers"].extend(more)
    await send(start)
    await send(EMPTY)


async def send_page(send: Send, page: Page, *more: Header, with_body: bool = True, caching: Header = NO_STORE) -> None:
    """Show a page, with `more` headers; HEAD is answered without its body."""
    await send({"type": "http.response.start", "status": page.status, "headers": [*page.headers, caching, *more]})
    await send({"type": "http.response.body", "body": page.body if with_body else b""})


async def send_nothing(send: Send, status: int, *headers: Header) -> None:
    """Answer without a body."""
    await send({"type": "http.response.start", "status": status, "headers": [*headers, NO_BODY, NO_STORE]})
    await send(EMPTY)


def make_file(status: int, media_type: str, content: str | bytes) -> Page:
    """What is no page of ours, such as an image or somebody's text: a browser shows it and runs nothing of it."""
    body = content.encode() if isinstance(content, str) else content
    headers = {
        "content-type": media_type,
        "content-length": str(len(body)),
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }
    return Page(status, [(name.encode(), value.encode()) for name, value in headers.items()], body)
