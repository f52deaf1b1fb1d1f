"""The database: SQLite embedded or PostgreSQL, behind the same transactions."""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from shortmcp.adapters import sqlite
from shortmcp.adapters.changes import record_changes
from shortmcp.adapters.postgres import Pulse, open_engine
from shortmcp.adapters.refusals import misplaced, raced, translate, translated, unavailable, unsure
from shortmcp.adapters.sqlite import WriteLock, cut_log, fold_log, set_durability
from shortmcp.core.context import CallCounts, Caller, Context, Scope, Site
from shortmcp.core.errors import OperationError
from shortmcp.core.guesses import Doorkeeper

# Seconds that erasing SQLite's log waits for other writers.
ERASE_PATIENCE = 1.0


class Database:
    """Transactions on one database. Short ones: a write holds the only write connection that SQLite gets.

    `read_seconds` is how long a session may read from SQLite before it is interrupted; PostgreSQL has its own limit.
    """

    def __init__(self, url: str, *, read_seconds: float = sqlite.READ_SECONDS) -> None:
        self.url = make_url(url)
        path = sqlite.sqlite_path(url)
        self.is_sqlite = path is not None
        # Of PostgreSQL alone: SQLite has nobody who could fall silent.
        self.pulse = Pulse("" if self.is_sqlite else self.conninfo)
        # A process that was killed may have left something.
        self.is_erasing_due = self.is_sqlite
        if path is not None:
            self.path = path
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Before SQLite makes it readable for everybody; its log files take its mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._inode = self.path.stat().st_ino
            self._lock: WriteLock | None = WriteLock(self.path.with_name(self.path.name + ".lock"))
            self.writer, self.readers = sqlite.open_writer(self.path), sqlite.open_readers(self.path, read_seconds)
        else:
            self._lock = None
            self.writer = open_engine(self.url, self.pulse)
            # One answer's numbers come from one state of the data.
            self.readers = self.writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._long_readers = self.readers.execution_options(read_seconds=sqlite.LONG_READ_SECONDS)

    @contextmanager
    def write(self, *, durable: bool = False, patience: float = sqlite.BUSY_SECONDS) -> Generator[Connection]:
        """A write transaction; `durable` means that it survives a power cut once it has returned.

        UNAVAILABLE where another writer of SQLite is not done within `patience` seconds; PostgreSQL has its own limit.
        """
        lock = self._lock.hold(patience) if self._lock else nullcontext()
        with lock, self._guarded(), self.writer.connect() as connection:
            if self.is_sqlite:
                self.check_place()
                set_durability(connection, durable=durable)
            with connection.begin() as transaction:
                yield connection
                # SQLite says what it did; and whoever has rolled back has nothing to commit.
                with nullcontext() if self.is_sqlite else unsure():
                    if transaction.is_active:
                        transaction.commit()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A read transaction: everything in it sees one state. It may take longer than a session's."""
        with self._guarded(), self._long_readers.connect() as connection, connection.begin():
            yield connection

    def reading(self) -> "Reading[Session]":
        """A read transaction for a session, which begins with the first question."""
        session = self.open_session()
        return Reading(session, session)

    def open_session(self) -> Session:
        """A session for `Reading`; UNAVAILABLE while PostgreSQL has fallen silent."""
        if self.pulse.is_lost:
            raise unavailable()
        return Session(self.readers, expire_on_commit=False)

    def check_place(self) -> None:
        """UNAVAILABLE where SQLite's file is not the one that was opened: what is in that one would be gone."""
        try:
            is_in_place = not self.is_sqlite or self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            is_in_place = False
        if not is_in_place:
            raise misplaced()

    def checkpoint(self) -> None:
        """Fold SQLite's log into its database file, and cut it off where it has grown long; nothing on PostgreSQL."""
        if self._lock is not None:
            with self._lock.hold(), translated(), self.writer.connect() as connection:
                # While somebody reads what is in it, waiting for them would only keep the writers.
                if fold_log(connection.connection.cursor()) and self.log_bytes() > sqlite.LOG_BYTES:
                    cut_log(connection.connection.cursor())

    def log_bytes(self) -> int:
        """The length of SQLite's log; 0 on PostgreSQL."""
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size if self.is_sqlite else 0
        except FileNotFoundError:
            return 0

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

    @contextmanager
    def _guarded(self) -> Generator[None]:
        if self.pulse.is_lost:
            raise unavailable()
        with translated():
            yield

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


Entered = TypeVar("Entered")


@dataclass(frozen=True, slots=True)
class Reading(Generic[Entered]):
    """A read transaction, which begins with the first question; a class, as it is entered for the smallest calls."""

    session: Session
    entered: Entered

    def __enter__(self) -> Entered:
        return self.entered

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self.session.in_transaction():
            self.session.close()
        if error is not None:
            translate(error)


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

    def begin(self, caller: Caller, scope: Scope, *, erases: bool = False) -> AbstractContextManager[Context]:
        """One transaction for `caller`: committed at the end, rolled back on any error."""
        if scope is Scope.READ:
            session = self.database.open_session()
            return Reading(session, Context(session, caller, self.clock(), self.site, self.calls))
        return self._write(caller, erases=erases)

    @contextmanager
    def _write(self, caller: Caller, *, erases: bool) -> Generator[Context]:
        changed: set[str] = set()
        with raced(), self.database.write(durable=erases) as connection:
            with Session(connection, expire_on_commit=False) as session:
                yield Context(session, caller, self.clock(), self.site, self.calls, changed_codes=changed)
                session.flush()
            if changed:
                record_changes(connection, changed)
        if changed:
            self.tell(changed)
        if erases:
            self.database.erase_log()
