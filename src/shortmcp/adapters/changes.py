"""News of changed links and callers, for every process that keeps them in memory: told in the changing transaction."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from threading import Event, Lock
from typing import Protocol

from sqlalchemy import Connection, text
from sqlmodel import Field, SQLModel

from shortmcp.adapters.postgres import CONNECT_SECONDS, KEEPALIVE, Pulse, make_connect
from shortmcp.adapters.sqlite import open_reader
from shortmcp.core.context import CALLERS

CHANNEL = "shortmcp_links"
EVERYTHING = "*"
POLL_SECONDS = 0.2
# Past this many codes in one transaction it is cheaper to forget everything.
MANY = 500
KEPT = 10_000
# So many single changes are written for each time that old ones are looked for.
TIDY_EVERY = 50
RECONNECT_SECONDS = 0.5


class LinkChange(SQLModel, table=True):
    """A code that changed, in the order of commits: SQLite's other processes read on from the last one they saw."""

    __tablename__ = "link_changes"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    code: str


class Listener(Protocol):
    """Who keeps links in memory."""

    def forget(self, codes: Iterable[str]) -> None:
        """Drop these codes."""
        ...

    def forget_all(self) -> None:
        """Drop everything: the news may have gaps."""
        ...


class SqliteVersion:
    """A number that is another one as soon as anybody has changed callers, in this process or in another."""

    def __init__(self, path: Path) -> None:
        self._connection = open_reader(path)
        self._lock = Lock()
        self._commits = -1
        self._seen = self._number = 0

    def __call__(self) -> int | None:
        """The number of this moment; None where the file cannot be read now.

        Two microseconds, or ten where anybody has committed anything since the last time.
        """
        with self._lock:
            try:
                commits = _version(self._connection)
                if commits != self._commits:
                    self._read_on()
                    self._commits = commits
            except sqlite3.Error:
                return None
            return self._number

    def _read_on(self) -> None:
        # News that are gone already may have been of callers.
        first, last, is_told = self._connection.execute(_NEWS_OF_CALLERS, (self._seen,)).fetchone()
        if first is not None:
            self._number += is_told or first > self._seen + 1
            self._seen = last

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


class Listeners:
    """Several who keep something in memory, told as one."""

    def __init__(self) -> None:
        self._listeners = list[Listener]()

    def add(self, listener: Listener) -> None:
        """One more."""
        self._listeners.append(listener)

    def forget(self, codes: Iterable[str]) -> None:
        """Drop these codes."""
        for listener in self._listeners:
            listener.forget(codes)

    def forget_all(self) -> None:
        """Drop everything."""
        for listener in self._listeners:
            listener.forget_all()


def record_changes(connection: Connection, codes: set[str]) -> None:
    """Write the news into the transaction that changes the codes."""
    told = sorted(codes) if len(codes) <= MANY else [EVERYTHING]
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, [{"channel": CHANNEL, "code": code} for code in told])
    elif len(told) > 1:
        connection.execute(_TELL, [{"code": code} for code in told])
        connection.execute(_TIDY, {"kept": KEPT})
    elif connection.execute(_TELL, {"code": told[0]}).lastrowid % TIDY_EVERY == 0:
        connection.execute(_TIDY, {"kept": KEPT})


_NOTIFY = text("SELECT pg_notify(:channel, :code)")
_TELL = text("INSERT INTO link_changes (code) VALUES (:code)")
_TIDY = text("DELETE FROM link_changes WHERE id <= (SELECT max(id) FROM link_changes) - :kept")
_NEWS_OF_CALLERS = f"SELECT min(id), max(id), max(code IN ('{CALLERS}', '{EVERYTHING}')) FROM link_changes WHERE id > ?"  # noqa: S608


def watch_sqlite(
    path: Path, listener: Listener, stop: Event, failed: Callable[[Exception], object] = lambda _: None
) -> None:
    """Tell `listener` what other processes changed, within 0.2 seconds, until `stop` is set."""
    while not stop.is_set():
        try:
            with closing(open_reader(path)) as connection:
                _poll(connection, listener, stop)
        except sqlite3.Error as error:
            # What is known stays: it could not be read anew now. Everything is forgotten when it can be.
            failed(error)
            stop.wait(RECONNECT_SECONDS)


def watch_postgres(
    conninfo: str,
    listener: Listener,
    stop: Event,
    failed: Callable[[Exception], object] = lambda _: None,
    pulse: Pulse | None = None,
) -> None:
    """Tell `listener` what other processes changed, as it is committed, until `stop` is set.

    While nothing can be heard what is known stays, for it cannot be read anew either.
    """
    import psycopg  # noqa: PLC0415 - an extra: there only where PostgreSQL is used

    connect = make_connect(lambda: pulse is not None and pulse.is_lost)
    while not stop.is_set():
        try:
            with connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS, **KEEPALIVE) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                # Another database may be there now, without our tables: what is known is all that there is.
                connection.execute("SELECT version_num FROM alembic_version")
                # What was told while nobody listened is lost.
                listener.forget_all()
                while not stop.is_set():
                    for notification in connection.notifies(timeout=POLL_SECONDS):
                        _tell_one(listener, notification.payload)
        except psycopg.Error as error:
            failed(error)
            stop.wait(RECONNECT_SECONDS)


def _poll(connection: sqlite3.Connection, listener: Listener, stop: Event) -> None:
    seen_version, seen = _version(connection), _latest(connection)
    # What was told before the first look is not told again.
    listener.forget_all()
    while not stop.wait(POLL_SECONDS):
        # Costs no read of the database unless somebody has committed.
        version = _version(connection)
        if version != seen_version:
            seen_version, seen = version, _tell(connection, listener, seen)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA data_version").fetchone()[0]


def _latest(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT coalesce(max(id), 0) FROM link_changes").fetchone()[0]


def _tell(connection: sqlite3.Connection, listener: Listener, seen: int) -> int:
    rows = connection.execute("SELECT id, code FROM link_changes WHERE id > ? ORDER BY id", (seen,)).fetchall()
    if rows and rows[0][0] > seen + 1:
        listener.forget_all()
    for _, code in rows:
        _tell_one(listener, code)
    return rows[-1][0] if rows else seen


def _tell_one(listener: Listener, code: str) -> None:
    if code == EVERYTHING:
        listener.forget_all()
    else:
        listener.forget([code])
