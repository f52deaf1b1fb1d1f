"""News of changed links: at once in the process that changes them, within a second everywhere else."""

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from factories import Access, Server, free_port, start_server
from shortmcp.adapters.changes import EVERYTHING, KEPT, MANY, record_changes, watch_postgres, watch_sqlite
from shortmcp.adapters.database import Database
from shortmcp.settings import Settings

ONE_SECOND = 1.0


class Notes:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def forget(self, codes: Iterable[str]) -> None:
        self.told.extend(codes)

    def forget_all(self) -> None:
        self.told.append(EVERYTHING)


@pytest.fixture
def second(server: Server, tmp_path: Path) -> Generator[Server]:
    """Another server on the same database, as another process would be: only the database connects them."""
    settings = Settings(port=free_port(), data_dir=tmp_path / "second", database_url=server.node.settings.database)
    with ExitStack() as stack:
        yield start_server(settings, stack)


@contextmanager
def watching(database: Database, notes: Notes, failures: list[Exception] | None = None) -> Generator[None]:
    stop, failed = Event(), (failures if failures is not None else list[Exception]()).append
    arguments = (database.path if database.is_sqlite else database.conninfo, notes, stop, failed)
    thread = Thread(target=watch_sqlite if database.is_sqlite else watch_postgres, args=arguments)
    thread.start()
    try:
        eventually(lambda: notes.told == [EVERYTHING], 5)
        yield
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def eventually(condition: Callable[[], object], seconds: float = ONE_SECOND) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def record(database: Database, *codes: str) -> None:
    with database.write() as connection:
        record_changes(connection, set(codes))


def make_link(server: Server) -> tuple[Access, str]:
    access = server.open_workspace()
    with server.client(access) as client:
        made = client.post("/links", json={"original_url": "https://example.com/0", "title": "X"})
    return access, made.json()["data"]["short_code"]


def test_the_very_next_visit_feels_a_change(server: Server) -> None:
    access, code = make_link(server)
    with server.client(access) as client:
        for number in range(1, 20):
            assert server.visit(code).status_code == 302
            client.patch(f"/links/{code}", json={"original_url": f"https://example.com/{number}"}).raise_for_status()
            assert server.visit(code).headers["location"] == f"https://example.com/{number}"
        client.patch(f"/links/{code}", json={"is_active": False}).raise_for_status()
        assert server.visit(code).status_code == 410
        client.patch(f"/links/{code}", json={"is_active": True, "short_code": f"new-{code}"}).raise_for_status()
        assert (server.visit(code).status_code, server.visit(f"new-{code}").status_code) == (410, 302)
        client.delete(f"/links/new-{code}").raise_for_status()
        assert server.visit(f"new-{code}").status_code == 410
        client.post("/links", json={"original_url": "https://example.com/again", "title": "X", "short_code": code})
        assert server.visit(code).headers["location"] == "https://example.com/again"


def test_another_process_feels_a_change_within_a_second(server: Server, second: Server) -> None:
    access, code = make_link(server)
    assert second.visit(code).headers["location"] == "https://example.com/0"
    with server.client(access) as client:
        for number in range(1, 4):
            client.patch(f"/links/{code}", json={"original_url": f"https://example.com/{number}"}).raise_for_status()
            eventually(lambda wanted=f"https://example.com/{number}": second.visit(code).headers["location"] == wanted)
        client.delete(f"/links/{code}").raise_for_status()
    eventually(lambda: second.visit(code).status_code == 410)


def test_a_change_is_felt_though_the_listener_s_connection_is_cut(server: Server, second: Server) -> None:
    if server.node.database.is_sqlite:
        pytest.skip("SQLite has no connection that could be cut.")
    access, code = make_link(server)
    with server.client(access) as client:
        for number in range(1, 4):
            second.visit(code)
            with server.node.database.write() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND left(query, 6) = 'LISTEN'"
                )
            client.patch(f"/links/{code}", json={"original_url": f"https://example.com/{number}"}).raise_for_status()
            eventually(lambda wanted=f"https://example.com/{number}": second.visit(code).headers["location"] == wanted)


def test_what_is_committed_is_told_and_what_is_rolled_back_is_not(database: Database) -> None:
    notes = Notes()
    with watching(database, notes):
        with suppress(ZeroDivisionError), database.write() as connection:
            record_changes(connection, {"never"})
            _ = 1 // 0
        record(database, "b", "a")
        record(database, "c")
        eventually(lambda: len(notes.told) == 4)
    assert notes.told == [EVERYTHING, "a", "b", "c"]


def test_very_many_changes_are_told_as_one(database: Database) -> None:
    notes = Notes()
    with watching(database, notes):
        record(database, *(str(number) for number in range(MANY + 1)))
        eventually(lambda: len(notes.told) == 2)
    assert notes.told == [EVERYTHING, EVERYTHING]


def test_a_gap_in_the_news_makes_everything_forgotten(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "shortmcp.db"
    path.write_bytes(sqlite_template.read_bytes())
    database, notes = Database(f"sqlite:///{path}"), Notes()
    with watching(database, notes):
        with database.write() as connection:
            for start in range(0, KEPT + 2 * MANY, MANY):
                record_changes(connection, {f"{number:06}" for number in range(start, start + MANY)})
        eventually(lambda: "010999" in notes.told, 5)
    assert notes.told[:3] == [EVERYTHING, EVERYTHING, "001000"]
    database.close()


def test_a_file_that_cannot_be_read_for_a_while_makes_everything_forgotten_and_is_watched_on(
    tmp_path: Path, sqlite_template: Path
) -> None:
    path = tmp_path / "shortmcp.db"
    path.write_bytes(sqlite_template.read_bytes())
    database, notes, failures = Database(f"sqlite:///{path}"), Notes(), list[Exception]()
    with watching(database, notes, failures):
        with database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE link_changes RENAME TO elsewhere")
        eventually(lambda: failures)
        with database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO link_changes")
        told = len(notes.told)
        eventually(lambda: len(notes.told) > told)
        record(database, "a")
        eventually(lambda: notes.told[-1] == "a")
    assert {type(failure) for failure in failures} == {sqlite3.OperationalError}
    database.close()
