"""What uvicorn lacks: connections that dawdle over their headers, or send too many, are closed."""

from asyncio import TimerHandle
from enum import Enum
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEADER_BYTES: Final = 32 << 10
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Nobody:
    """Waits for nothing."""

    def set(self) -> None:
        """What the base class does when a connection ends."""


class _Answered:
    """Stands where the base class keeps the request that it is answering; it is asked for no more than this."""

    response_complete = True
    message_event = _Nobody()


ANSWERED: Final[Any] = _Answered()


class Waiting(Enum):
    """What a connection waits for, and what is done when it waits too long."""

    REQUEST = 1
    HEADERS = 2
    ANSWER = 3


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for headers (10 s from the first byte) and a bound on them (32 KB).

    One timer a connection, set anew when it fires and not at every request, stands for the base class's keep-alive
    timer too.
    """

    header_seconds = 10.0
    # For a client that takes nothing of what is written.
    answer_seconds = 60.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.waiting = Waiting.HEADERS
        self.since = 0.0
        self._size = 0
        # Of the piece that is being read: how many requests begin in it, and whether it brings some of a body.
        self._begun, self._has_body = 0, False
        self._blocked_since: float | None = None
        # Whether the parser has read the last message to its end, and nothing of the next one.
        self.is_between = True
        # Whether the last piece of a request alone is longer than headers may be.
        self.is_large = False
        self._timer: TimerHandle | None = None
        self.now = self.loop.time

    def connection_made(self, transport: Any) -> None:
        """A new connection: its first request is waited for as long as headers are."""
        super().connection_made(transport)
        self.since = self.now()
        self._timer = self.loop.call_later(self.header_seconds, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; refuse headers without end, and what follows a body without end."""
        self.is_large = len(data) > MAX_HEADER_BYTES
        is_first = self.waiting is Waiting.REQUEST or (self.waiting is Waiting.HEADERS and not self._size)
        self._begun, self._has_body = 0, False
        super().data_received(data)
        # Of a piece with several requests nobody knows how much belongs to the last one: it counts from the next on.
        belongs = not self._begun or (self._begun == 1 and is_first)
        # Trailers, and what the parser says nothing of, such as the extensions of chunks.
        trails = self.waiting is Waiting.ANSWER and not self._begun and (self.headers or not self._has_body)
        if (self.waiting is Waiting.HEADERS and belongs) or trails:
            self._size += len(data)
            if self._size > MAX_HEADER_BYTES:
                self._refuse(_TOO_LARGE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._has_body = True
        super().on_body(body)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self.begin_message()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """All headers are there: what follows has no deadline of ours."""
        self.waiting = Waiting.ANSWER
        if sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url) > MAX_HEADER_BYTES:
            self._refuse(_TOO_LARGE)
        else:
            super().on_headers_complete()
            # The request has these now; what comes as trailers is none of its headers.
            self.headers, self._size = [], 0
            if cast("Any", self.parser).should_upgrade():
                # The parser reads nothing more: what comes next would be waited for in vain.
                self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self.is_between = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is sent. Does what the base class does, but for its timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            # Whoever reads on now would take in a thousand requests for each that is answered.
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.flow.resume_reading()
        if self.waiting is Waiting.ANSWER:
            self.waiting, self.since = Waiting.REQUEST, self.now()

    def begin_message(self) -> None:
        """The headers of a request are waited for from now on."""
        self.waiting, self.since, self._size, self.is_between = Waiting.HEADERS, self.now(), 0, False
        self._begun += 1

    def pause_writing(self) -> None:
        """The client does not take what is written."""
        self._blocked_since = self.now()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has taken some of it."""
        self._blocked_since = None
        super().resume_writing()

    def _check(self) -> None:
        if self.transport.is_closing():
            # What is still to be written is waited for once.
            self._timer = self.loop.call_later(self.answer_seconds, self.transport.abort)
            return
        if self._blocked_since is not None and self.now() - self._blocked_since >= self.answer_seconds:
            self.transport.abort()
            return
        waited = self.now() - self.since
        cycle = cast("RequestResponseCycle | None", self.cycle)
        is_idle = cycle is None or cycle.response_complete
        if self.waiting is Waiting.ANSWER or not is_idle:
            left = float(self.timeout_keep_alive)
        elif self.waiting is Waiting.REQUEST:
            left = self.timeout_keep_alive - waited
        else:
            left = self.header_seconds - waited
        if left > 0:
            self._timer = self.loop.call_later(left, self._check)
        elif self.waiting is Waiting.HEADERS and self._size:
            self._refuse(_TOO_SLOW)
        else:
            self._close()

    def _refuse(self, answer: bytes) -> None:
        # The parser goes on to the end of what it was given, and asks the request of what it is part of.
        self.cycle = ANSWERED
        self.waiting = Waiting.ANSWER
        self.transport.write(answer)
        self._close()

    def _close(self) -> None:
        self.transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.answer_seconds, self.transport.abort)
