from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from journals import quiet_journal
from shortmcp.adapters.database import Database
from shortmcp.clicks.backlog import journal_files, size_of
from shortmcp.clicks.ingest import move_position
from shortmcp.clicks.waiting import wait_until_counted


def test_waiting_ends_when_what_stood_there_is_counted_whatever_comes_after(database: Database, tmp_path: Path) -> None:
    journal = quiet_journal(tmp_path)
    journal.write(b"before")
    (path,) = journal_files(tmp_path)
    size, looks = size_of(path), 0

    @contextmanager
    def read() -> Generator[Connection]:
        nonlocal looks
        looks += 1
        journal.write(b"after")
        if looks == 3:
            with database.write() as connection:
                move_position(connection, path, 0, size)
        with database.read() as connection:
            yield connection

    assert wait_until_counted(tmp_path, read, 60) == 0
    assert looks == 3
    journal.close()


def test_waiting_ends_when_the_file_is_gone_for_it_was_counted(database: Database, tmp_path: Path) -> None:
    journal = quiet_journal(tmp_path)
    journal.write(b"before")
    journal.close()

    @contextmanager
    def read() -> Generator[Connection]:
        with database.read() as connection:
            yield connection
        journal_files(tmp_path)[0].unlink()

    assert wait_until_counted(tmp_path, read, 60) == 0


def test_waiting_has_an_end_and_says_what_is_left(database: Database, tmp_path: Path) -> None:
    journal = quiet_journal(tmp_path)
    journal.write(b"before")
    assert wait_until_counted(tmp_path, database.read, 0) == size_of(journal_files(tmp_path)[0])
    journal.close()
