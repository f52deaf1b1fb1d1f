"""A copy in the place of SQLite's database: no process has it open, and nothing of the old one is taken for the new."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from shortmcp.adapters.backup.files import Report
from shortmcp.adapters.backup.sqlite import check
from shortmcp.adapters.schema import check_known
from shortmcp.adapters.sqlite import WriteLock
from shortmcp.clicks.backlog import is_abandoned, journal_files
from shortmcp.clicks.files import sync_folder

LOCK_SECONDS = 2.0
# SQLite would play the old database's log, or roll back its journal, into whatever stands beside them.
SIDE_FILES = ("-wal", "-shm", "-journal")
MAGIC = b"SQLite format 3\0"
IN_USE = "A server, a worker or a command uses the database: stop them all first. Nothing was changed."


def restore(copied: Path, database: Path, journal: Path, report: Report) -> Path | None:
    """Put the copy in the place of `database`; returns where the one that was there is kept, None if there was none.

    ValueError where the copy is damaged, is not one of this program, or was made by a newer version, and where a
    process still uses the database, whose click journal is in the folder `journal`. Then nothing was changed.
    """
    if not copied.is_file():
        raise ValueError(f"There is no file {copied}.")
    check(copied, report)
    check_known(_revision(copied))
    if is_served(journal):
        raise ValueError(IN_USE)
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = WriteLock(database.with_name(database.name + ".lock"))
    try:
        with lock.hold(LOCK_SECONDS):
            return _exchange(copied, database)
    finally:
        lock.close()


def is_served(journal: Path) -> bool:
    """Whether a server or worker with this journal runs: each holds a lock for as long as it lives."""
    held = [*journal_files(journal), journal / ".leader"]
    return not all(is_abandoned(path) for path in held if path.exists())


def _revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError:
            row = None
    if row is None:
        raise ValueError(f"{path} is no copy of a shortmcp database: it names no revision of the schema.")
    return str(row[0])


def _exchange(copied: Path, database: Path) -> Path | None:
    staged = database.with_name(f"{database.name}.restoring")
    try:
        _copy(copied, staged)
        kept = _keep(database)
        staged.replace(database)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder(database.parent)
    return kept


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with (
        source.open("rb") as read,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as written,
    ):
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def _keep(database: Path) -> Path | None:
    kept = next(name for name in _names(database) if not name.exists())
    if _is_sqlite(database):
        _fold(database)
    for suffix in SIDE_FILES:
        side = database.with_name(database.name + suffix)
        if side.exists():
            side.rename(kept.with_name(kept.name + suffix))
    if not database.exists():
        return None
    # A second name: whenever the machine stops, there is a database at the first one.
    os.link(database, kept)
    return kept


def _names(database: Path) -> Iterator[Path]:
    return (database.with_name(f"{database.name}.before-restore-{number}") for number in count(1))


def _is_sqlite(database: Path) -> bool:
    # Of a file that is something else SQLite would delete the log.
    if not database.exists():
        return False
    with database.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _fold(database: Path) -> None:
    """Leave everything in one file, if it is sound; ValueError where somebody else has it open."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=LOCK_SECONDS)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise ValueError(IN_USE) from error
        except sqlite3.DatabaseError:
            # That may be why a copy is put here.
            return
