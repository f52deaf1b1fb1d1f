"""News of changed links and callers over Redis, beside the database's own: a pooler in between may swallow those."""

import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any

from shortmcp.adapters.changes import EVERYTHING, MANY, POLL_SECONDS, RECONNECT_SECONDS, Listener
from shortmcp.adapters.redis.line import Away, Connection, Line, ask_on, open_connection, redis_errors

# Redis numbers its databases, but has channels only once.
CHANNEL = "shortmcp:{}:changes"
ANSWER_SECONDS = 1.0
# Seconds between signs of life, and without one until the connection is given up.
PING_SECONDS = 1.0
SILENCE_SECONDS = 3.0


class Publisher:
    """Tells the other processes which codes have changed, after that was committed."""

    def __init__(self, line: Line, database: int) -> None:
        self._line = line
        self._channel = CHANNEL.format(database)
        self._has_missed = False
        line.add_probe(self._catch_up)

    def publish(self, codes: Iterable[str]) -> None:
        """Tell of codes; what cannot be told now is made up for as soon as Redis answers again."""
        told = sorted(codes)
        try:
            self._line.ask("PUBLISH", self._channel, " ".join(told) if len(told) <= MANY else EVERYTHING)
        except Away:
            self._has_missed = True

    def _catch_up(self, connection: Connection) -> None:
        if self._has_missed:
            self._has_missed = False
            ask_on(connection, "PUBLISH", self._channel, EVERYTHING)


def watch_redis(
    url: str,
    database: int,
    listener: Listener,
    stop: Event,
    is_ready: Callable[[], bool],
    failed: Callable[[Exception], object] = lambda _: None,
) -> None:
    """Tell `listener` what other processes published, until `stop` is set.

    After a gap it is told to forget everything, but not before `is_ready`: while the database is away nothing can be
    read anew.
    """
    while not stop.is_set():
        try:
            connection = open_connection(url, ANSWER_SECONDS)
            try:
                _listen(connection, CHANNEL.format(database), listener, stop, is_ready)
            finally:
                connection.disconnect()
        except redis_errors() as error:
            failed(error)
            stop.wait(RECONNECT_SECONDS)


def _listen(
    connection: Connection, channel: str, listener: Listener, stop: Event, is_ready: Callable[[], bool]
) -> None:
    # With its answer nothing is missed any more.
    ask_on(connection, "SUBSCRIBE", channel)
    has_gap = True
    heard = pinged = time.monotonic()
    while not stop.is_set():
        if has_gap and is_ready():
            listener.forget_all()
            has_gap = False
        now = time.monotonic()
        if connection.can_read(timeout=POLL_SECONDS):
            _tell(connection.read_response(), listener)
            heard = time.monotonic()
        elif now - heard > SILENCE_SECONDS:
            raise TimeoutError
        elif now - max(heard, pinged) > PING_SECONDS:
            connection.send_command("PING")
            pinged = now


def _tell(message: Any, listener: Listener) -> None:
    kind, *_, payload = message
    if kind != b"message":
        return
    codes = payload.decode().split(" ")
    if codes == [EVERYTHING]:
        listener.forget_all()
    else:
        listener.forget(codes)
