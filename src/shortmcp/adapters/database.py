"""The database: SQLite embedded or PostgreSQL, behind the same transactions."""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Session

from shortmcp.adapters import sqlite
from shortmcp.adapters.changes import record_changes
from shortmcp.adapters.sqlite import WriteLock, cut_log, unavailable
from shortmcp.core.context import CallCounts, Caller, Context, Scope, Site
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.guesses import Doorkeeper

POOL_SIZE = 10
CONNECT_SECONDS = 3
STATEMENT_MILLISECONDS = 15_000
LOCK_MILLISECONDS = 5_000
# Seconds that erasing SQLite's log waits for other writers.
ERASE_PATIENCE = 1.0
# PostgreSQL's states for: unique violation, foreign key violation, serialization failure, deadlock.
RACE_STATES = frozenset({"23505", "23503", "40001", "40P01"})


class Database:
    """Transactions on one database. Short ones: a write holds the only write connection that SQLite gets."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # A process that was killed may have left something.
        self.is_erasing_due = self.is_sqlite
        if self.is_sqlite:
            self.path = Path(self.url.database or "")
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Before SQLite makes it readable for everybody; its log files take its mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._lock: WriteLock | None = WriteLock(self.path.with_name(self.path.name + ".lock"))
            self.writer, self.readers = sqlite.open_writer(self.path), sqlite.open_readers(self.path)
        else:
            self._lock = None
            self.writer = _open_postgres(self.url)
            # One answer's numbers come from one state of the data.
            self.readers = self.writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def write(self, *, durable: bool = False, patience: float = sqlite.BUSY_SECONDS) -> Generator[Connection]:
        """A write transaction; `durable` means that it survives a power cut once it has returned.

        UNAVAILABLE where another writer of SQLite is not done within `patience` seconds; PostgreSQL has its own limit.
        """
        lock = self._lock.hold(patience) if self._lock else nullcontext()
        with lock, _translated(), self.writer.connect() as connection:
            if self.is_sqlite:
                level = "FULL" if durable else "NORMAL"
                connection.connection.cursor().execute(f"PRAGMA synchronous = {level}").close()
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A read transaction: everything in it sees one state."""
        with _translated(), self.readers.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Generator[Session]:
        """A read transaction for a session, which begins with the first question."""
        with _translated(), Session(self.readers, expire_on_commit=False) as session:
            yield session

    def checkpoint(self) -> None:
        """Fold SQLite's log into its database file; nothing to do on PostgreSQL."""
        if self._lock is not None:
            with self._lock.hold(), _translated(), self.writer.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def erase_log(self) -> None:
        """Leave nothing in SQLite's log, where deleted rows can still be read; `is_erasing_due` while it could not.

        PostgreSQL keeps dead rows until it vacuums, and its log as it is told to.
        """
        if self._lock is None:
            return
        self.is_erasing_due = True
        # Whatever goes wrong, what was committed before stays so: its caller must get their answer.
        with (
            suppress(OperationError, DBAPIError, sqlite3.Error),
            self._lock.hold(ERASE_PATIENCE),
            self.writer.connect() as connection,
        ):
            self.is_erasing_due = not cut_log(connection.connection.cursor())

    def erase_if_due(self) -> None:
        """Try again where the log could not be erased before."""
        if self.is_erasing_due:
            self.erase_log()

    @property
    def conninfo(self) -> str:
        """PostgreSQL's connection string, for the driver itself."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def close(self) -> None:
        """Give every connection back."""
        self.writer.dispose()
        self.readers.dispose()
        if self._lock is not None:
            self._lock.close()


def _no_doors() -> Doorkeeper:
    raise LookupError("This work was made without a key to check passwords by.")


@dataclass(frozen=True)
class SqlWork:
    """Opens an operation's transaction, and says which codes it changed when it has committed.

    `tell` hears the changed codes in this process; other processes hear of them through the database. `make_doors`
    makes what checks passwords, where there are any to be checked.
    """

    database: Database
    site: Site
    calls: CallCounts
    tell: Callable[[set[str]], None]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    make_doors: Callable[[], Doorkeeper] = _no_doors

    @property
    def doors(self) -> Doorkeeper:
        """Who checks passwords, in transactions of its own."""
        return self.make_doors()

    @contextmanager
    def begin(self, caller: Caller, scope: Scope, *, erases: bool = False) -> Generator[Context]:
        """One transaction for `caller`: committed at the end, rolled back on any error."""
        if scope is Scope.READ:
            with self.database.reading() as session:
                yield Context(session, caller, self.clock(), self.site, self.calls)
            return
        changed: set[str] = set()
        with _raced(), self.database.write(durable=erases) as connection:
            with Session(connection, expire_on_commit=False) as session:
                yield Context(session, caller, self.clock(), self.site, self.calls, changed_codes=changed)
                session.flush()
            if changed:
                record_changes(connection, changed)
        if changed:
            self.tell(changed)
        if erases:
            self.database.erase_log()


@contextmanager
def _raced() -> Generator[None]:
    # PostgreSQL lets two writers at the same thing: the one that comes second has changed nothing.
    lost = OperationError(
        Code.CONFLICT, "Something else changed the same thing at the same moment; nothing was stored: try again."
    )
    try:
        yield
    except StaleDataError as error:
        raise lost from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in RACE_STATES:
            raise lost from error
        raise


@contextmanager
def _translated() -> Generator[None]:
    # The database away, locked or out of connections: the caller may try again. Anything else is a bug and flies.
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise unavailable() from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise unavailable() from error
        raise


def _open_postgres(url: URL) -> Engine:
    options = f"-c statement_timeout={STATEMENT_MILLISECONDS} -c lock_timeout={LOCK_MILLISECONDS} -c timezone=UTC"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=sqlite.BUSY_SECONDS,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": options, "application_name": "shortmcp"},
    )
