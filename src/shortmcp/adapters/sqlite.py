"""Embedded SQLite: WAL, readers that cannot write, and one writer at a time in the whole machine.

Every SQLite from 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write and checkpoint at once, so
both stand behind one lock file.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from shortmcp.adapters.refusals import unavailable

BUSY_SECONDS = 5.0
READERS = 8
# How long a reader may take, for it keeps the log from being folded in: who waits for the answer, and who does not.
READ_SECONDS = 5.0
LONG_READ_SECONDS = 60.0
# What a log may grow to before it is cut off, where nobody reads it.
LOG_BYTES = 64 << 20
# How long cutting the log off waits for those who still read it: nobody writes meanwhile.
CUT_SECONDS = 0.2
_PAGE_CACHE_KIB = 32_768
# Steps of SQLite's machine between two looks at the clock: a fraction of a millisecond.
_STEPS = 20_000
# Counting touches pages all over the indexes: what is not kept is read again. Filled only as far as it is needed.
_WRITER_CACHE_KIB = 131_072


class WriteLock:
    """One writer at a time: over threads by a lock, over processes by flock on a file beside the database."""

    def __init__(self, path: Path) -> None:
        self._threads = Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def hold(self, patience: float = BUSY_SECONDS) -> Generator[None]:
        """Hold the lock; UNAVAILABLE where another writer keeps it for more than `patience` seconds."""
        deadline = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            raise unavailable()
        try:
            self._lock_file(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Close the lock file."""
        os.close(self._file)

    def _lock_file(self, deadline: float) -> None:
        pause = 0.0002
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise unavailable() from None
                time.sleep(pause)
                pause = min(pause * 2, 0.01)
            else:
                return


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite database; None for another kind."""
    parts = make_url(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None


class Deadline:
    """Ends what SQLite is doing once the time is over: its progress handler."""

    at = 0.0

    def __call__(self) -> bool:
        """Whether to interrupt."""
        return time.monotonic() > self.at


def open_writer(path: Path) -> Engine:
    """The engine with the process's one write connection; its transactions begin IMMEDIATE."""
    engine = _engine(path, connections=1)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        _set(connection, "journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 0", "foreign_keys = ON")
        # What is deleted is overwritten; not every SQLite does so by itself.
        _set(connection, "secure_delete = ON", f"cache_size = -{_WRITER_CACHE_KIB}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        _execute(connection, "BEGIN IMMEDIATE")

    return engine


def open_readers(path: Path, seconds: float) -> Engine:
    """The engine for reads: several connections, none of which can write.

    A transaction may take `seconds`, or what the execution option `read_seconds` says: then it is interrupted.
    """
    engine = _engine(path, connections=READERS)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        _set(connection, "query_only = ON", "wal_autocheckpoint = 0")
        deadline = entry.info["deadline"] = Deadline()
        connection.set_progress_handler(deadline, _STEPS)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        allowed: float = connection.get_execution_options().get("read_seconds", seconds)
        connection.info["deadline"].at = time.monotonic() + allowed
        _execute(connection, "BEGIN")

    return engine


def open_reader(path: Path) -> sqlite3.Connection:
    """A bare connection for the redirect's look-up and for noticing changes; it cannot write."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
    _set(connection, "query_only = ON", "wal_autocheckpoint = 0")
    return connection


def fold_log(cursor: DBAPICursor) -> bool:
    """Fold into the database file what nobody has to read in the log any more; whether that was all of it."""
    cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
    [(is_busy, frames, folded)] = cursor.fetchall()
    return not is_busy and frames == folded


def cut_log(cursor: DBAPICursor) -> bool:
    """Fold the log into the database file and make it empty; whether that was done, as nobody had to read it."""
    cursor.execute(f"PRAGMA busy_timeout = {CUT_SECONDS * 1000:.0f}")
    try:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
        return row is not None and row[0] == 0
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        cursor.close()


def set_durability(connection: Connection, *, durable: bool) -> None:
    """Whether what is committed next survives a power cut; said to SQLite when it changes."""
    level = "FULL" if durable else "NORMAL"
    if connection.info.get("synchronous") != level:
        _execute(connection, f"PRAGMA synchronous = {level}")
        connection.info["synchronous"] = level


def _execute(connection: Connection, statement: str) -> None:
    # Past SQLAlchemy, which takes twenty times as long: there is nothing to be bound and nothing to be read.
    connection.connection.cursor().execute(statement).close()


def _engine(path: Path, connections: int) -> Engine:
    return create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_SECONDS},
    )


def _set(connection: sqlite3.Connection, *pragmas: str) -> None:
    for pragma in (f"cache_size = -{_PAGE_CACHE_KIB}", "mmap_size = 0", "temp_store = MEMORY", *pragmas):
        connection.execute(f"PRAGMA {pragma}").close()
