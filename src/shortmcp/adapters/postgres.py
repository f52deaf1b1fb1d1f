"""PostgreSQL's connections: they give up when the server has fallen silent, where psycopg would wait for ever."""

import math
import select
import time
from collections.abc import Callable, Generator, Mapping
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

if TYPE_CHECKING:
    from psycopg import Connection

POOL_SIZE = 10
POOL_SECONDS = 5.0
# A connection that was used within so many seconds is not asked whether it still is one.
TRUSTED_SECONDS = 1.0
CONNECT_SECONDS = 3
STATEMENT_MILLISECONDS = 15_000
LOCK_MILLISECONDS = 5_000
# A server that is stopped, or behind a network that is, ends nothing and refuses nothing, and its kernel goes on
# acknowledging what is sent: only a question that it would answer at once tells it from one that is busy.
BEAT_SECONDS = 0.5
SILENCE_SECONDS = 1.5
# The driver's least; a server that lives takes milliseconds.
PULSE_CONNECT_SECONDS = 2
RECONNECT_SECONDS = 0.2
# How often a wait looks whether it should be given up.
LOOK_SECONDS = 0.1
# Nothing is sent while nothing changes: without them a server that vanished would be waited for for two hours.
KEEPALIVE: Mapping[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# PostgreSQL's states for: no such table, no such schema, a transaction that may only read, and one that a replica
# cannot begin. What a database says to which another one has failed over, without its data or not yet its master.
AWAY_STATES = frozenset({"42P01", "3F000", "25006", "0A000"})


class Pulse:
    """Whether the server shows signs of life, asked twice a second on a connection of its own while `run` runs.

    When it shows none, every wait for it ends and no other begins, until it does again. Whoever does not run it waits
    as long as it takes.
    """

    def __init__(self, conninfo: str) -> None:
        self.is_lost = False
        self._conninfo = conninfo

    def run(self, stop: Event) -> None:
        """Ask until `stop` is set."""
        import psycopg  # noqa: PLC0415 - an extra: there only where PostgreSQL is used

        while not stop.is_set():
            try:
                self._beat(stop)
            except psycopg.Error as error:
                # A refusal is an answer: others get it as well, and at once.
                self.is_lost = isinstance(error, psycopg.errors.ConnectionTimeout)
                stop.wait(RECONNECT_SECONDS)

    def _beat(self, stop: Event) -> None:
        deadline = [float("inf")]
        connect = make_connect(lambda: time.monotonic() > deadline[0])
        with connect(self._conninfo, autocommit=True, connect_timeout=PULSE_CONNECT_SECONDS, **KEEPALIVE) as connection:
            while True:
                deadline[0] = time.monotonic() + SILENCE_SECONDS
                connection.execute("SELECT 1")
                self.is_lost = False
                if stop.wait(BEAT_SECONDS):
                    return


def make_connect(is_over: Callable[[], bool]) -> Callable[..., "Connection[Any]"]:
    """`psycopg.connect`, but its connections break with ConnectionTimeout when they wait and it is over."""
    import psycopg  # noqa: PLC0415 - as above

    silent = psycopg.errors.ConnectionTimeout

    class Patient(psycopg.Connection[Any]):
        """A connection whose waits can be given up."""

        def wait(self, gen: Any, interval: float = LOOK_SECONDS, timeout: float | None = None) -> Any:
            try:
                return super().wait(_until(is_over, gen, silent), interval, timeout)
            except silent:
                # Its answer may come yet, and would be taken for the next question's.
                self.close()
                raise

    def connect(*arguments: Any, **named: Any) -> psycopg.Connection[Any]:
        if is_over():
            raise silent("the server is silent")
        return Patient.connect(*arguments, **named)

    return connect


def open_engine(url: URL, pulse: Pulse) -> Engine:
    """The engine for reads and writes."""
    options = f"-c statement_timeout={STATEMENT_MILLISECONDS} -c lock_timeout={LOCK_MILLISECONDS} -c timezone=UTC"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": options, "application_name": "shortmcp"},
    )
    connect = make_connect(lambda: pulse.is_lost)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, arguments: Any, named: Any) -> "Connection[Any]":
        return connect(*arguments, **named)

    _check_at_checkout(engine)
    return engine


def _check_at_checkout(engine: Engine) -> None:
    @event.listens_for(engine, "checkin")
    def _note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _check(connection: Any, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        # SQLAlchemy would ask the server each time, which takes as long as a statement.
        idle = time.monotonic() - record.info.get("used", math.inf)
        if (idle > TRUSTED_SECONDS or _was_told(connection)) and not _answers(engine, connection):
            raise DisconnectionError


def _was_told(connection: Any) -> bool:
    # What a server says unasked is mostly that it goes away.
    if connection.closed:
        return True
    asked = select.poll()
    asked.register(connection.fileno(), select.POLLIN)
    return bool(asked.poll(0))


def _answers(engine: Engine, connection: Any) -> bool:
    try:
        return engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error:
        return False


def _until(
    is_over: Callable[[], bool], waiting: Generator[Any, Any, Any], silent: type[Exception]
) -> Generator[Any, Any, Any]:
    # What the driver runs for each question: it says what it waits for, and is told what has come, or nothing yet.
    try:
        wanted = next(waiting)
        while True:
            ready = yield wanted
            if not ready and is_over():
                raise silent("the server has fallen silent")
            wanted = waiting.send(ready)
    except StopIteration as end:
        return end.value
    finally:
        waiting.close()
