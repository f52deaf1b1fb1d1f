"""Transactions: whole or not at all, one writer at a time on SQLite, readers who never wait for it."""

import fcntl
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shortmcp.adapters import sqlite
from shortmcp.adapters.database import Database
from shortmcp.core.errors import Code, OperationError

ADD = text("INSERT INTO link_purges (link_id) VALUES (:id)")
COUNT_TO = text(
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :most) "
    "SELECT count(*) FROM numbers"
)
REJECT = text("INSERT INTO journal_rejects (file, line, found_at) VALUES ('x', :line, 0)")
COUNT = text("SELECT count(*) FROM link_purges")


@pytest.fixture
def embedded(tmp_path: Path, sqlite_template: Path) -> Generator[Database]:
    """SQLite alone."""
    path = tmp_path / "embedded.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(COUNT).scalar_one()


def test_an_error_takes_the_whole_transaction_back(database: Database) -> None:
    with suppress(ZeroDivisionError), database.write() as connection:
        connection.execute(ADD, {"id": 1})
        _ = 1 // 0
    assert count(database) == 0


def test_a_read_transaction_cannot_write(database: Database) -> None:
    with pytest.raises((OperationError, DBAPIError)), database.read() as connection:
        connection.execute(ADD, {"id": 1})
    assert count(database) == 0


def test_everything_in_a_read_transaction_sees_one_state(database: Database) -> None:
    with database.read() as reader:
        before = reader.execute(COUNT).scalar_one()
        with database.write() as writer:
            writer.execute(ADD, {"id": 1})
        assert reader.execute(COUNT).scalar_one() == before
    assert count(database) == before + 1


def test_writers_from_many_threads_and_two_openings_lose_nothing(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))

    def add(number: int) -> None:
        with (database, other)[number % 2].write(durable=number % 5 == 0) as connection:
            total = connection.execute(COUNT).scalar_one()
            connection.execute(ADD, {"id": number})
            if database.is_sqlite:
                assert connection.execute(COUNT).scalar_one() == total + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(200)))
    assert count(database) == 200
    other.close()


def test_a_writer_who_waits_too_long_is_told_that_nothing_was_changed(embedded: Database) -> None:
    holder = os.open(embedded.path.with_name(embedded.path.name + ".lock"), os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(OperationError) as refusal, embedded.write(patience=0.05):
        pytest.fail("the lock is another one's")
    assert (refusal.value.code, refusal.value.retry_after) == (Code.UNAVAILABLE, 5)
    assert count(embedded) == 0
    os.close(holder)
    with embedded.write() as connection:
        connection.execute(ADD, {"id": 1})
    assert count(embedded) == 1


def test_a_database_that_is_away_is_said_to_be_unavailable() -> None:
    database = Database("postgresql://postgres@127.0.0.1:1/none")
    for begin in (database.read, database.write):
        with pytest.raises(OperationError) as refusal, begin():
            pytest.fail("nobody listens there")
        assert refusal.value.code is Code.UNAVAILABLE
    database.close()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_connection_that_the_server_has_cut_is_replaced_unnoticed(database: Database) -> None:
    ask = text("SELECT pg_backend_pid()")
    with database.read() as connection:
        cut = connection.execute(ask).scalar_one()
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [cut])
    with database.write() as connection:
        assert connection.execute(ask).scalar_one() != cut


def test_a_checkpoint_folds_the_log_in_though_a_reader_stays(embedded: Database) -> None:
    log = embedded.path.with_name(embedded.path.name + "-wal")
    with embedded.read() as reader:
        reader.execute(COUNT)
        with embedded.write() as connection:
            connection.execute(ADD, [{"id": number} for number in range(5000)])
        embedded.checkpoint()
    grown = log.stat().st_size
    assert grown > 0
    for start in range(5000, 50_000, 5000):
        embedded.checkpoint()
        with embedded.write() as connection:
            connection.execute(ADD, [{"id": number} for number in range(start, start + 5000)])
    # Without checkpoints it would be ten times as long.
    assert log.stat().st_size < 3 * grown


def test_a_log_that_grew_while_somebody_read_is_cut_off_when_they_are_gone(embedded: Database) -> None:
    with embedded.read() as reader:
        reader.execute(COUNT)
        with embedded.write() as connection:
            connection.execute(REJECT, [{"line": bytes(1 << 20)}] * 70)
        embedded.checkpoint()
        assert embedded.log_bytes() > 64 << 20
    embedded.checkpoint()
    assert embedded.log_bytes() == 0


def test_a_session_that_reads_for_too_long_is_interrupted_and_the_next_one_is_not(database_url: str) -> None:
    database = Database(database_url, read_seconds=0.2)
    with pytest.raises(OperationError) as refusal:
        count_for_ever(database)
    assert refusal.value.code is Code.UNAVAILABLE
    assert refusal.value.sentence.startswith("The answer took the database too long, so it was given up: ")
    for _ in range(sqlite.READERS + 1):
        with database.reading() as session:
            assert session.connection().execute(COUNT).scalar_one() == 0
    # Background work may take longer.
    with database.read() as connection:
        assert connection.execute(COUNT_TO, {"most": 3_000_000}).scalar_one() == 3_000_000
    database.close()


def count_for_ever(database: Database) -> None:
    with database.reading() as session:
        if not database.is_sqlite:
            session.connection().execute(text("SET LOCAL statement_timeout = 200"))
        session.connection().execute(COUNT_TO, {"most": 10**12})


def test_sqlite_is_set_up_as_the_design_says(embedded: Database) -> None:
    wanted = {"journal_mode": "wal", "wal_autocheckpoint": 0, "foreign_keys": 1, "mmap_size": 0, "query_only": 0}
    with embedded.write() as connection:
        assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted} == wanted
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    with embedded.write(durable=True) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with embedded.read() as connection:
        assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 1
