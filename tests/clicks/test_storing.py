"""Whatever visitors write and whoever else writes: what is stored is what came, once."""

from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import Connection, text

from clicks.test_counting import MIDNIGHT, make_click, recount, store
from clicks.test_ingest import ENRICHER, NOW, make_ingester, recorded, rows, visit, write_file
from factories import CHROME
from journals import eventually
from rows import insert_links
from shortmcp.adapters.database import Database
from shortmcp.clicks.backlog import journal_files
from shortmcp.clicks.enrich import Enricher
from shortmcp.clicks.ingest import Ingester
from shortmcp.clicks.salts import forget_visitors, hash_visitors, read_salts
from shortmcp.clicks.visits import decode_visit, encode_visit
from shortmcp.core.errors import OperationError

LINKS = 30
# So many fit into one batch: both nodes make as many transactions.
VISITS = 600
ROUNDS = 5
DAY = 86_400_000
# What means something to COPY, to array literals, or to SQL.
WORDS = [
    "",
    "\\",
    "\\N",
    "\\.",
    "a\tb",
    "a\nb",
    "a\r\nb",
    '"',
    '\\"',
    "{",
    "}",
    ",",
    "NULL",
    "null",
    "'",
    "%s",
    "ü",
    "\U0001f517",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "clicks"
    made.mkdir()
    return made


@pytest.fixture
def links(database: Database) -> range:
    """The ids of thirty links."""
    with database.write() as connection:
        connection.execute(
            text("INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)")
        )
        connection.execute(text("INSERT INTO projects VALUES (1, 1, 'A', 'a', NULL, NULL, NULL, 0, 0)"))
        numbers = range(1, LINKS + 1)
        insert_links(connection, [{"id": number, "short_code": f"code{number}"} for number in numbers])
    return numbers


def test_visitors_words_are_stored_sign_by_sign(database: Database) -> None:
    clicks = [(make_click(1, MIDNIGHT, 1)[0]._replace(referrer=word, utm_term=word), 1) for word in WORDS]
    store(database, clicks)
    store(database, clicks)
    assert rows(database, "SELECT referrer, utm_term FROM clicks ORDER BY id") == [(word, word) for word in WORDS] * 2
    values = rows(database, "SELECT value, total FROM link_values WHERE dimension = 0")
    assert sorted(values) == sorted((word, 2) for word in WORDS)


def test_what_no_database_can_store_keeps_no_other_click_waiting(
    database: Database, folder: Path, links: range
) -> None:
    query = "utm_content=%00&utm_term=%00%5C.%09%0Aend"
    strange = encode_visit(1, NOW, "\x00", "\x00", "https://a.example/\x00\\\t", "\x00", query, False)
    write_file(folder, visit(1, 0), strange)
    make_ingester(folder, database).run()
    assert rows(database, "SELECT utm_content, utm_term FROM clicks ORDER BY id") == [("0", ""), ("", "\\.end")]


def ingest_in_rounds(folder: Path, database: Database, barrier: Barrier) -> None:
    """Count visits on all links again and again, each transaction beginning with the other node's."""
    random = Random(folder.name)  # noqa: S311 - an order, no secret

    @contextmanager
    def together() -> Generator[Connection]:
        # Not within SQLite's transactions: there can be only one.
        if database.is_sqlite:
            barrier.wait(60)
        with database.write() as connection:
            if not database.is_sqlite:
                barrier.wait(60)
            yield connection

    ingester = Ingester(folder, ENRICHER, together, lambda: NOW)
    folder.mkdir()
    for turn in range(ROUNDS):
        # Visitors whom nobody has seen before, but both nodes see now.
        numbers = random.sample(range(VISITS), VISITS)
        lines = (visit(1 + n % LINKS, n, address=f"198.51.{turn}.{n // LINKS}") for n in numbers)
        write_file(folder, *lines, name=f"{folder.name}-{turn}")
        ingester.run()


def test_two_nodes_that_count_the_same_links_at_once_count_each_click_once(
    database: Database, tmp_path: Path, links: range
) -> None:
    barrier = Barrier(2)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(ingest_in_rounds, tmp_path / name, database, barrier) for name in ("one", "two")]
    for run in runs:
        run.result()
    assert recorded(database) == Counter({str(number): 2 * ROUNDS for number in range(VISITS)})
    assert rows(database, "SELECT uniques, count(*) FROM link_days GROUP BY 1") == [(VISITS // LINKS * ROUNDS, LINKS)]
    recount(database)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_two_nodes_that_see_the_same_visitors_in_opposite_orders_do_not_wait_in_a_circle(
    database: Database, tmp_path: Path, links: range
) -> None:
    addresses = [f"198.51.100.{number}" for number in range(9)]
    with database.write() as connection:
        salts = read_salts(connection, [NOW // DAY])
    [middle] = hash_visitors([decode_visit(visit(1, address=addresses[4]))], salts)
    for name, order in (("one", addresses), ("two", addresses[::-1])):
        (tmp_path / name).mkdir()
        write_file(tmp_path / name, *(visit(1, address=address) for address in order), name=name)
    ingesters = [make_ingester(tmp_path / name, database) for name in ("one", "two")]

    def waiting() -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return rows(database, query)[0][0]

    with ThreadPoolExecutor() as pool:
        # Somebody holds the visitor in the middle until both nodes wait, each with what it has got so far.
        with database.write() as connection:
            connection.execute(text(f"INSERT INTO visitors VALUES (1, {NOW // DAY}, {middle})"))  # noqa: S608
            runs = [pool.submit(ingester.run) for ingester in ingesters]
            eventually(lambda: waiting() == 2)
            connection.rollback()
        assert all(run.result(60) > 0 for run in runs)
    assert rows(database, "SELECT total, uniques FROM link_days") == [(18, 9)]
    recount(database)


def test_every_click_keeps_the_facts_of_its_own_visitor(database: Database, folder: Path, links: range) -> None:
    countries = {"198.51.100.1": "AT", "198.51.100.2": "DE", "2001:db8::1": "NP"}
    agents = {"chrome": CHROME, "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"}
    expected = Counter[tuple[str, str, str]]()
    lines: list[bytes] = []
    for turn in range(3):
        for address, country in countries.items():
            for browser, agent in agents.items():
                # A click id that never comes twice stands around what is read.
                query = f"fbclid={turn}&utm_content={country}-{browser}&gclid={turn}"
                lines.append(encode_visit(1, NOW, address, agent, "", "", query, False))
                expected[f"{country}-{browser}", country, browser] += 1
    write_file(folder, *lines)
    Ingester(folder, Enricher(countries.get), partial(database.write, durable=True), lambda: NOW).run()
    assert Counter(rows(database, "SELECT utm_content, country, browser FROM clicks")) == expected
    assert rows(database, "SELECT total, uniques FROM link_days") == [(18, 6)]


def test_a_visitor_is_the_same_all_day_in_every_batch_and_after_a_restart(
    database: Database, folder: Path, links: range
) -> None:
    ingester = make_ingester(folder, database)
    for number, at in enumerate((NOW, NOW, NOW - DAY, NOW)):
        write_file(folder, visit(1, number, at))
        ingester.run()
    write_file(folder, visit(1, 4), visit(1, 5, NOW - DAY))
    make_ingester(folder, database).run()
    assert rows(database, "SELECT total, uniques FROM link_days ORDER BY day") == [(2, 1), (4, 1)]
    recount(database)


def test_a_salt_that_was_thrown_away_is_not_used_again(database: Database, folder: Path, links: range) -> None:
    ingester = make_ingester(folder, database)
    for number in range(2):
        write_file(folder, visit(1, number))
        ingester.run()
        with database.write() as connection:
            forget_visitors(connection, NOW + 3 * DAY)
    [(first,), (second,)] = rows(database, "SELECT visitor FROM clicks ORDER BY id")
    assert first != second
    assert rows(database, "SELECT * FROM visitor_salts") == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_connection_that_postgresql_ends_costs_no_click_and_doubles_none(
    database: Database, postgres_admin: psycopg.Connection, folder: Path, links: range
) -> None:
    write_file(folder, *(visit(1 + number % LINKS, number) for number in range(100)))
    turns = 0

    @contextmanager
    def cut_off() -> Generator[Connection]:
        nonlocal turns
        turns += 1
        with database.write(durable=True) as connection:
            if turns == 2:
                process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                postgres_admin.execute("SELECT pg_terminate_backend(%s, 10000)", (process,))
            yield connection

    ingester = Ingester(folder, ENRICHER, cut_off, lambda: NOW)
    with pytest.raises(OperationError):
        ingester.run()
    assert recorded(database) == Counter()
    ingester.run()
    assert recorded(database) == Counter({str(number): 1 for number in range(100)})
    assert journal_files(folder) == []
