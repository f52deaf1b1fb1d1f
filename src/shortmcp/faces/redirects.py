"""Known redirects answered below ASGI, before or while their headers are parsed; all else goes the ordinary way."""

from typing import Any, cast

from shortmcp.faces.connections import ANSWERED, MAX_HEADER_BYTES, GuardedProtocol, Waiting
from shortmcp.faces.public import PublicFace
from shortmcp.faces.usual_get import read_usual_get

_HEAD = b"HTTP/1.1 302 Found\r\n"
_TAIL = b"\r\ncache-control: private, no-store\r\ncontent-length: 0\r\n\r\n"
_UNUSUAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})


class RedirectProtocol(GuardedProtocol):
    """A protocol with two short cuts: a known redirect costs no ASGI task, and a usual GET of one not even the parser.

    It depends on the inside of uvicorn's class, so uvicorn is pinned to a minor version, and a test sends the same
    requests through this class and through its base and compares the answers byte by byte.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        app = cast("object", self.app)
        # Behind a debugging middleware there is no short cut.
        self._quick = app if isinstance(app, PublicFace) and self.limit_concurrency is None else None
        self._sent_with: list[tuple[bytes, bytes]] = []
        self._head = _HEAD

    def data_received(self, data: bytes) -> None:
        """Answer a usual GET of a known link at once; feed the parser with everything else."""
        # Between two messages alone: a body may hold anything, also what looks like a request. Here and below every
        # call counts: the whole answer takes a few microseconds.
        if (
            self.is_between
            and (quick := self._quick) is not None
            and (not self.cycle or self.cycle.response_complete)
            and not self.flow.write_paused
            and len(data) <= MAX_HEADER_BYTES
            and (visit := read_usual_get(data)) is not None
            and (lead := quick.answer_usual(visit, self.client)) is not None
        ):
            self.waiting, self.since = Waiting.REQUEST, self.now()
            quick.group.add(self.loop, lead[1], self.transport, self._make_redirect(lead[0]))
        else:
            self._send_group()
            super().data_received(data)

    def shutdown(self) -> None:
        """The server ends: what was asked is answered before."""
        self._send_group()
        super().shutdown()

    def on_message_begin(self) -> None:
        """What a redirect needs of a request; the rest of its scope is made when it turns out to be something else."""
        self.begin_message()
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Answer at once if it is a plain visit of a known link, else start an ASGI task."""
        found = dict(self.headers)
        if self._quick is not None and self._is_plain(found):
            location = self._quick.answer(self.url, self.headers, found, self.client)
            if location is not None:
                self.cycle = ANSWERED
                self.transport.write(self._make_redirect(location))
                # Its keep-alive is counted from its first byte: that is microseconds ago, and asks no clock.
                self.waiting = Waiting.REQUEST
                return
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def _is_plain(self, found: dict[bytes, bytes]) -> bool:
        parser = cast("Any", self.parser)
        return (
            (not self.cycle or self.cycle.response_complete)
            and parser.get_method() == b"GET"
            and parser.should_keep_alive()
            and _UNUSUAL.isdisjoint(found)
            # Older clients that want to keep the connection have to say so.
            and (b"connection" not in found or parser.get_http_version() == "1.1")
            and not self.flow.write_paused
            and not self.is_large
        )

    def _send_group(self) -> None:
        # Nobody's answers may overtake those that wait.
        if self._quick is not None:
            self._quick.group.send()

    def _make_redirect(self, location: bytes) -> bytes:
        if self._sent_with is not self.server_state.default_headers:
            self._make_head()
        self.server_state.total_requests += 1
        return b"%blocation: %b%b" % (self._head, location, _TAIL)

    def _make_head(self) -> None:
        # uvicorn makes the list anew each second, for its date.
        self._sent_with = self.server_state.default_headers
        self._head = _HEAD + b"".join([b"%b: %b\r\n" % header for header in self._sent_with])
