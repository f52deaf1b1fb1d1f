"""SQLite: a compact copy of one state, made by a connection that only reads."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from shortmcp.adapters.backup.files import PRIVATE_TABLES, Report
from shortmcp.adapters.sqlite import BUSY_SECONDS

# Instructions of SQLite's machine between two looks at how far it is: some hundredths of a second.
STEP = 1_000_000


def copy(source: Path, empty: Path, report: Report, step: int = STEP) -> None:
    """Copy one state of the database into the file `empty`, and check the copy.

    VACUUM INTO reads in one transaction, so neither writers nor their checkpoints wait or disturb; the log of the
    source cannot be cut meanwhile. What was deleted is not copied. ValueError where the copy is damaged.
    """
    # One that could not write would leave an empty log behind, of whoever makes the copy.
    with closing(_open(source, "rw")) as connection:
        expected = _size(connection)
        _watch(connection, lambda: report("copied", empty.stat().st_size, expected), step)
        connection.execute("VACUUM INTO ?", (str(empty),)).close()
    with closing(_open(empty, "rw")) as connection:
        _leave_out(connection)
    check(empty, report)


def check(path: Path, report: Report) -> None:
    """Read the whole file; ValueError where it is no sound database."""
    try:
        with closing(_open(path, "ro")) as connection:
            size = _size(connection)
            _watch(connection, lambda: report("checking", 0, size), STEP)
            rows = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is no sound SQLite database: {error}.") from error
    if rows != [("ok",)]:
        raise ValueError(f"{path} is a damaged database: {rows[0][0]}.")


def _leave_out(connection: sqlite3.Connection) -> None:
    # A copy that is cut off in the middle is thrown away: it needs no journal, which would keep what is deleted.
    connection.execute("PRAGMA journal_mode = OFF").close()
    connection.execute("PRAGMA secure_delete = ON").close()
    for table in PRIVATE_TABLES:
        connection.execute(f"DELETE FROM {table}").close()  # noqa: S608 - names of ours


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _size(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _watch(connection: sqlite3.Connection, look: Callable[[], None], step: int) -> None:
    connection.set_progress_handler(look, step)
