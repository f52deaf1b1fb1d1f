"""Known redirects answered while their headers are parsed, below ASGI; everything else goes the ordinary way."""

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shortmcp.faces.public import PublicFace

_HEAD = b"HTTP/1.1 302 Found\r\n"
_TAIL = b"\r\ncache-control: private, no-store\r\ncontent-length: 0\r\n\r\n"
_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding", b"expect"})


class _Nobody:
    """Waits for nothing."""

    def set(self) -> None:
        """What the base class does when a connection ends."""


class _Answered:
    """Stands where the base class keeps the request that it is answering; it is asked for no more than this."""

    response_complete = True
    message_event = _Nobody()


_ANSWERED: Any = _Answered()


class RedirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a short cut: a known redirect costs no ASGI task.

    It depends on the inside of its base class, so uvicorn is pinned to a minor version, and a test sends the same
    requests through this class and through its base and compares the answers byte by byte.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        app = cast("object", self.app)
        # Behind a debugging middleware there is no short cut.
        self._face = app if isinstance(app, PublicFace) else None
        self._sent_with: list[tuple[bytes, bytes]] = []
        self._head = _HEAD

    def on_message_begin(self) -> None:
        """What a redirect needs of a request; the rest of its scope is made when it turns out to be something else."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Answer at once if it is a plain visit of a known link, else start an ASGI task."""
        if self._face is not None and self._is_plain():
            location = self._face.answer(self.url, self.headers, self.client)
            if location is not None:
                self.cycle = _ANSWERED
                self.transport.write(b"%blocation: %b%b" % (self._make_head(), location, _TAIL))
                self.on_response_complete()
                return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _is_plain(self) -> bool:
        parser = cast("Any", self.parser)
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return (
            (cycle is None or cycle.response_complete)
            and parser.get_method() == b"GET"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.flow.write_paused
            and self.limit_concurrency is None
            and _BODY_HEADERS.isdisjoint(dict(self.headers))
        )

    def _make_head(self) -> bytes:
        # uvicorn makes the list anew each second, for its date.
        if self._sent_with is not self.server_state.default_headers:
            self._sent_with = self.server_state.default_headers
            self._head = _HEAD + b"".join([b"%b: %b\r\n" % header for header in self._sent_with])
        return self._head
