"""A connection to Redis that nobody waits for: it is asked while it answers at once, and left alone while it does not.

Requests never connect: that takes several round trips, and a name to be looked up. A thread does, once a second.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any, Protocol, cast

import structlog

log = structlog.get_logger("shortmcp.redis")
# What one request may lose to a Redis that does not answer, twice: less than anybody notices.
PATIENCE_SECONDS = 0.02
CONNECT_SECONDS = 1.0
RETRY_SECONDS = 1.0
Word = str | int | bytes


class Connection(Protocol):
    """What is used of the library's connections; any of it raises RedisError or OSError."""

    def send_command(self, *command: Word) -> None:
        """Send one command."""
        ...

    def pack_commands(self, commands: list[tuple[Word, ...]]) -> list[bytes]:
        """Commands as they are sent."""
        ...

    def send_packed_command(self, command: list[bytes]) -> None:
        """Send what was packed."""
        ...

    def can_read(self, timeout: float) -> bool:
        """Whether something comes within so many seconds."""
        ...

    def read_response(self) -> Any:
        """The answer to one command."""
        ...

    def disconnect(self) -> None:
        """Close it. Used again it would connect by itself, so it must not be."""
        ...


# Runs on each new connection, which is used only if it returns: whatever would fail for a request should fail here.
Probe = Callable[[Connection], object]


class Away(Exception):  # noqa: N818 - it is no error: there is always another way
    """Redis does not answer now."""


class Line:
    """One connection, and the breaker before it. `failures` counts what was asked in vain.

    `patience` is in seconds, and may be lost twice: while others ask, and waiting for the answer.

    Where `start` was not called, as in commands that end soon, the first question connects, and waits for that.
    """

    def __init__(self, url: str, patience: float = PATIENCE_SECONDS) -> None:
        self.failures = 0
        self._url = url
        self._patience = patience
        self._probes = list[Probe]()
        self._connection: Connection | None = None
        self._turn = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self._is_known_away = False

    @property
    def is_open(self) -> bool:
        """Whether Redis is asked at present."""
        return self._connection is not None

    def add_probe(self, probe: Probe) -> None:
        """Run this on each new connection before it is used."""
        self._probes.append(probe)

    def start(self) -> None:
        """Connect, and keep connected until `close`."""
        self._connect()
        self._thread = Thread(target=self._keep, name="redis", daemon=True)
        self._thread.start()

    def ask(self, *command: Word) -> Any:
        """Redis' answer; Away where there is none in time."""
        if self._connection is None and self._thread is None:
            self._connect()
        if self._connection is None or not self._turn.acquire(timeout=self._patience):
            self.failures += 1
            raise Away
        try:
            return self._ask(command)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Give the connection back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CONNECT_SECONDS)
        self._drop()

    def _ask(self, command: tuple[Word, ...]) -> Any:
        connection = self._connection
        # Whoever had the turn before may have lost it.
        if connection is None:
            self.failures += 1
            raise Away
        try:
            return ask_on(connection, *command)
        except redis_errors() as error:
            self.failures += 1
            # An answer that is late must not be taken for the next question's.
            self._drop()
            self._tell(error)
            raise Away from error

    def _keep(self) -> None:
        # By the clock, so that nodes go back to Redis together: until then they count apart.
        while not self._stop.wait(RETRY_SECONDS - time.time() % RETRY_SECONDS):
            if self._connection is None:
                self._connect()
            else:
                # A connection that has broken is found here rather than by a request.
                with suppress(Away):
                    self.ask("PING")

    def _connect(self) -> None:
        connection = None
        try:
            connection = open_connection(self._url, self._patience)
            for probe in self._probes:
                probe(connection)
        except redis_errors() as error:
            if connection is not None:
                connection.disconnect()
            self._tell(error)
            return
        self._connection = connection
        if self._is_known_away:
            log.info("redis answers again")
        self._is_known_away = False

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _tell(self, error: Exception) -> None:
        if not self._is_known_away:
            log.warning("redis does not answer: nodes share the database alone", error=type(error).__name__)
        self._is_known_away = True


def open_connection(url: str, patience: float) -> Connection:
    """A new connection; an answer is waited for `patience` seconds.

    Raises RedisError or OSError; ImportError with a sentence where the extra is missing.
    """
    try:
        from redis import ConnectionPool  # noqa: PLC0415 - an extra: there only where Redis is used
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError:
        raise ImportError('SHORTMCP_REDIS_URL needs the extra `redis`: pip install "shortmcp[redis]".') from None
    # Only what it makes of the URL: its connections are shared out by us.
    pool = cast("Any", ConnectionPool).from_url(
        url,
        # An old server knows no other, and nothing here needs one.
        protocol=2,
        driver_info=None,
        # By itself it would try ten times, with pauses.
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=patience,
    )
    connection = pool.make_connection()
    connection.connect()
    return connection


def ask_on(connection: Connection, *command: Word) -> Any:
    """The answer to one command; RedisError or OSError where there is none."""
    connection.send_command(*command)
    return connection.read_response()


def redis_errors() -> tuple[type[Exception], ...]:
    """What the library raises, to be caught."""
    from redis import RedisError  # noqa: PLC0415 - as above

    return RedisError, OSError
