"""From the journal into the database: each line once, whoever reads it and whoever dies meanwhile."""

from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, text

from clicks.test_counting import recount
from factories import CHROME
from rows import insert_links
from shortmcp.adapters.database import Database
from shortmcp.clicks.backlog import journal_files
from shortmcp.clicks.enrich import Enricher
from shortmcp.clicks.ingest import Fenced, Ingester
from shortmcp.clicks.journal import Journal, frame
from shortmcp.clicks.salts import STEP, forget_visitors
from shortmcp.clicks.visits import encode_visit

NOW = 1_780_000_000_000
DAY = 86_400_000
ADDRESS = "198.51.100.77"
ENRICHER = Enricher(lambda _: "AT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "clicks"
    made.mkdir()
    return made


@pytest.fixture
def links(database: Database) -> tuple[int, int]:
    """The ids of two links."""
    with database.write() as connection:
        connection.execute(
            text("INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)")
        )
        connection.execute(text("INSERT INTO projects VALUES (1, 1, 'A', 'a', NULL, NULL, NULL, 0, 0)"))
        insert_links(connection, [{"id": number, "short_code": f"code{number}"} for number in (1, 2)])
    return 1, 2


def make_ingester(folder: Path, database: Database) -> Ingester:
    return Ingester(folder, ENRICHER, partial(database.write, durable=True), lambda: NOW)


def visit(link: int, number: int = 0, at: int = NOW, agent: str = CHROME, address: str = ADDRESS) -> bytes:
    query = f"utm_content={number}"
    return encode_visit(link, at, address, agent, "https://news.example/a?secret=1", "de-AT", query, False)


def write_file(folder: Path, *payloads: bytes, tail: bytes = b"", name: str = "a") -> Path:
    """A file whose writer is gone."""
    path = folder / f"{name}.log"
    path.write_bytes(b"".join(frame(payload) for payload in payloads) + tail)
    return path


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def recorded(database: Database) -> Counter[str]:
    return Counter(row[0] for row in rows(database, "SELECT utm_content FROM clicks"))


def once(numbers: range) -> Counter[str]:
    return Counter(str(number) for number in numbers)


def test_each_line_becomes_one_click_and_the_file_goes(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    write_file(folder, *(visit(links[number % 2], number) for number in range(2000)))
    ingester = make_ingester(folder, database)
    assert ingester.backlog() > 0
    ingester.run()
    assert ingester.run() == 0
    assert recorded(database) == once(range(2000))
    assert (ingester.ingested, ingester.rejected, ingester.orphaned, ingester.backlog()) == (2000, 0, 0, 0)
    assert journal_files(folder) == []
    assert rows(database, "SELECT * FROM journal_offsets") == []
    recount(database)


def test_a_file_that_is_still_written_stays_and_is_read_on(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    ingester = make_ingester(folder, database)
    with closing(Journal(folder)) as journal:
        for number in range(30):
            journal.write(visit(links[0], number))
            ingester.run()
        assert len(journal_files(folder)) == 1
        assert recorded(database) == once(range(30))
        # Another one, as after a restart, knows where to go on.
        assert make_ingester(folder, database).run() == 0
    ingester.run()
    assert journal_files(folder) == []
    assert recorded(database) == once(range(30))


def test_a_writer_who_is_faster_than_the_reader_does_not_keep_other_files_waiting(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    first, second = write_file(folder, visit(links[0], 1), name="a"), write_file(folder, visit(links[1], 2), name="b")
    written = 0

    @contextmanager
    def write_meanwhile() -> Generator[Connection]:
        nonlocal written
        with database.write() as connection:
            yield connection
        if first.exists() and written < 50:
            with first.open("ab") as file:
                written += file.write(frame(visit(links[0], 3))) > 0

    ingester = Ingester(folder, ENRICHER, write_meanwhile, lambda: NOW)
    ingester.run()
    assert not second.exists()
    assert written < 50


def test_two_at_once_count_each_line_once(database: Database, folder: Path, links: tuple[int, int]) -> None:
    for name in "abcdef":
        write_file(folder, *(visit(links[0], f"{name}{number}") for number in range(600)), name=name)  # pyright: ignore[reportArgumentType]
    barrier = Barrier(3)

    def ingest() -> None:
        ingester = make_ingester(folder, database)
        barrier.wait()
        while journal_files(folder):
            try:
                ingester.run()
            except Fenced:
                continue

    threads = [Thread(target=ingest) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert recorded(database) == Counter(f"{name}{number}" for name in "abcdef" for number in range(600))
    recount(database)


@pytest.mark.parametrize("known", [False, True])
def test_one_who_read_before_the_other_had_finished_is_fenced_off(
    database: Database, folder: Path, links: tuple[int, int], known: bool
) -> None:
    write_file(folder, visit(links[0], 0))
    transactions = 0

    @contextmanager
    def after_the_other() -> Generator[Connection]:
        nonlocal transactions
        transactions += 1
        if transactions == 2:
            # The lines are read already: now another one counts them, and deletes the file and its offset.
            make_ingester(folder, database).run()
            if known:
                write_file(folder, visit(links[0], 0))
                with database.write() as connection:
                    connection.execute(text("INSERT INTO journal_offsets VALUES ('a.log', 1)"))
        with database.write() as connection:
            yield connection

    with pytest.raises(Fenced):
        Ingester(folder, ENRICHER, after_the_other, lambda: NOW).run()
    assert recorded(database) == once(range(1))


@pytest.mark.parametrize("moment", ["before commit", "after commit"])
def test_one_who_dies_is_followed_by_another_that_counts_each_line_once(
    database: Database, folder: Path, links: tuple[int, int], moment: str
) -> None:
    write_file(folder, *(visit(links[0], number) for number in range(2000)))
    turns = 0

    @contextmanager
    def die() -> Generator[Connection]:
        nonlocal turns
        turns += 1
        with database.write() as connection:
            yield connection
            if turns == 3 and moment == "before commit":
                raise KeyboardInterrupt
        if turns == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ingester(folder, ENRICHER, die, lambda: NOW).run()
    assert 0 < recorded(database).total() < 2000
    make_ingester(folder, database).run()
    assert recorded(database) == once(range(2000))
    recount(database)


def test_a_file_is_deleted_only_after_its_last_commit(database: Database, folder: Path, links: tuple[int, int]) -> None:
    path = write_file(folder, visit(links[0], 0))

    @contextmanager
    def full() -> Generator[Connection]:
        with database.write() as connection:
            yield connection
            assert path.exists()
            if connection.execute(text("SELECT count(*) FROM journal_offsets")).scalar():
                raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        Ingester(folder, ENRICHER, full, lambda: NOW).run()
    assert path.exists()
    make_ingester(folder, database).run()
    assert (path.exists(), recorded(database)) == (False, once(range(1)))


def test_what_cannot_be_read_is_put_aside_and_the_rest_is_counted(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    bad = b"00000000 " + visit(links[0], 9)
    path = write_file(folder, visit(links[0], 0), b"no visit")
    path.write_bytes(path.read_bytes() + bad + b"\n\n" + frame(visit(links[0], 1)) + frame(visit(links[0], 2))[:-40])
    ingester = make_ingester(folder, database)
    ingester.run()
    assert recorded(database) == once(range(2))
    assert (ingester.ingested, ingester.rejected) == (2, 3)
    kept = rows(database, "SELECT file, line, found_at FROM journal_rejects ORDER BY id")
    assert [(file, at) for file, _, at in kept] == [(path.name, NOW)] * 3
    assert {bytes(line) for _, line, _ in kept} == {bad, b"no visit", frame(visit(links[0], 2))[:-40]}


def test_clicks_of_deleted_links_are_counted_nowhere(database: Database, folder: Path, links: tuple[int, int]) -> None:
    write_file(folder, visit(links[0], 0), visit(99, 1), visit(links[1], 2), visit(99, 3))
    ingester = make_ingester(folder, database)
    ingester.run()
    assert (ingester.ingested, ingester.orphaned) == (2, 2)
    for table in ("clicks", "link_days", "link_quarters", "link_values", "visitors"):
        assert rows(database, f"SELECT count(*) FROM {table} WHERE link_id = 99") == [(0,)]  # noqa: S608


def test_no_address_and_no_user_agent_is_kept(database: Database, folder: Path, links: tuple[int, int]) -> None:
    write_file(folder, visit(links[0], 0), visit(links[0], 1, agent="Canary/77.1 (secret device)"))
    make_ingester(folder, database).run()
    tables = [row[0] for row in rows(database, _TABLES[database.is_sqlite])]
    stored = "".join(repr(rows(database, f"SELECT * FROM {table}")) for table in tables)  # noqa: S608
    assert "https://news.example/a" in stored
    for secret in (ADDRESS, "Canary", "Mozilla", "secret"):
        assert secret not in stored


def test_salts_and_visitors_are_thrown_away_when_their_day_is_long_over(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    days = [NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY, NOW]
    write_file(folder, *(visit(links[0], number, at) for number, at in enumerate(days)))
    make_ingester(folder, database).run()
    with database.write() as connection:
        assert forget_visitors(connection, NOW) == 2
        assert forget_visitors(connection, NOW) == 0
    kept = [(at // DAY,) for at in days[2:]]
    assert rows(database, "SELECT day FROM visitor_salts ORDER BY day") == kept
    assert rows(database, "SELECT day FROM visitors ORDER BY day") == kept
    assert rows(database, "SELECT sum(uniques) FROM link_days") == [(4,)]


def test_visitors_are_thrown_away_in_bounded_steps(database: Database) -> None:
    with database.write() as connection:
        series = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) SELECT 1, 1, i FROM n"
        connection.execute(text(f"INSERT INTO visitors (link_id, day, visitor) {series}"), {"many": STEP + 10})
        assert [forget_visitors(connection, NOW) for _ in range(3)] == [STEP, 10, 0]


_TABLES = {
    True: "SELECT name FROM sqlite_master WHERE type = 'table'",
    False: "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}
