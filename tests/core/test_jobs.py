"""The queue: a job is written down with what caused it, leased by one runner, and never forgotten before it is done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from shortmcp.adapters.database import Database
from shortmcp.core import jobs
from shortmcp.core.jobs import Claimed

NOW = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)


def put(database: Database, *, run_at: datetime = NOW, **given: Any) -> int | None:
    with database.write() as connection:
        return jobs.enqueue(connection, "mail", {"to": "ann"}, run_at, **given)


def claim(database: Database, now: datetime = NOW, limit: int = 10) -> list[Claimed]:
    with database.write() as connection:
        return claim_in(connection, now, limit)


def claim_in(connection: Connection, now: datetime = NOW, limit: int = 10) -> list[Claimed]:
    return jobs.claim(connection, ["mail"], now, now + LEASE, limit)


def states(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        query = text("SELECT id, state, attempts, last_error FROM jobs ORDER BY id")
        return [tuple(row) for row in connection.execute(query)]


def test_a_job_is_there_when_its_transaction_is_and_not_when_it_is_rolled_back(database: Database) -> None:
    with database.write() as connection:
        jobs.enqueue(connection, "mail", {}, NOW)
        connection.rollback()
    assert states(database) == []
    job_id = put(database, workspace_id=7)
    assert claim(database) == [Claimed(job_id or 0, "mail", {"to": "ann"}, 7, NOW, 1)]


def test_only_what_is_due_and_of_a_known_kind_is_claimed_the_oldest_first(database: Database) -> None:
    later, sooner = put(database, run_at=NOW), put(database, run_at=NOW - timedelta(days=1))
    put(database, run_at=NOW + timedelta(microseconds=1))
    with database.write() as connection:
        jobs.enqueue(connection, "of a newer version", {}, NOW)
        assert jobs.is_due(connection, ["mail"], NOW)
        assert not jobs.is_due(connection, ["mail"], NOW - timedelta(days=2))
    assert [job.id for job in claim(database, limit=1)] == [sooner]
    assert [job.id for job in claim(database)] == [later]
    assert claim(database) == []


def test_a_leased_job_is_nobody_else_s_until_the_lease_ends(database: Database) -> None:
    put(database)
    [first] = claim(database)
    assert claim(database, NOW + LEASE - timedelta(microseconds=1)) == []
    with database.write() as connection:
        jobs.extend_leases(connection, [first], NOW + 2 * LEASE)
    assert claim(database, NOW + LEASE) == []
    [second] = claim(database, NOW + 2 * LEASE)
    assert (second.id, second.attempt) == (first.id, 2)
    with database.write() as connection:
        jobs.finish(connection, [first])
        jobs.bury(connection, first, "too late")
        jobs.extend_leases(connection, [first], NOW + 9 * LEASE)
    assert states(database) == [(first.id, "running", 2, None)]
    with database.write() as connection:
        jobs.finish(connection, [second])
    assert states(database) == []


# SQLite has one writer: there is no same moment.
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_runners_at_the_same_moment_claim_different_jobs(database: Database) -> None:
    ids = {put(database) for _ in range(4)}
    with database.write() as one, database.write() as another:
        claimed = [job.id for job in (*claim_in(one, limit=2), *claim_in(another, limit=9))]
    assert (len(claimed), set(claimed)) == (4, ids)


def test_a_job_with_the_key_of_one_that_is_not_done_is_not_added(database: Database) -> None:
    first = put(database, dedupe_key="report 1")
    assert put(database, dedupe_key="report 1") is None
    assert put(database, dedupe_key="report 2") is not None
    job = next(job for job in claim(database) if job.id == first)
    assert put(database, dedupe_key="report 1") is None
    with database.write() as connection:
        jobs.finish(connection, [job])
    assert put(database, dedupe_key="report 1") is not None


def test_a_new_job_takes_the_place_of_a_dead_one_with_its_key(database: Database) -> None:
    first = put(database, dedupe_key="report 1")
    with database.write() as connection:
        jobs.bury(connection, claim_in(connection)[0], "The mail server said no.")
    assert states(database) == [(first, "dead", 1, "The mail server said no.")]
    assert claim(database, NOW + timedelta(days=365)) == []
    assert put(database, dedupe_key="report 1") == first
    assert states(database) == [(first, "queued", 0, None)]


def test_a_failure_counts_as_an_attempt_and_a_postponement_does_not(database: Database) -> None:
    job_id = put(database)
    with database.write() as connection:
        jobs.put_back(connection, claim_in(connection)[0], NOW, "x" * 500)
    assert states(database) == [(job_id, "queued", 1, "x" * 200)]
    with database.write() as connection:
        jobs.put_back(connection, claim_in(connection)[0], NOW, None)
    assert states(database) == [(job_id, "queued", 1, None)]


def test_the_numbers_say_what_waits_what_is_dead_and_for_how_long(database: Database) -> None:
    with database.read() as connection:
        assert jobs.count_jobs(connection, NOW) == (0, 0, 0.0)
    put(database, run_at=NOW - timedelta(seconds=90))
    put(database, run_at=NOW - timedelta(seconds=30))
    put(database, run_at=NOW + timedelta(seconds=30))
    with database.write() as connection:
        jobs.bury(connection, claim_in(connection, limit=1)[0], "No.")
        assert jobs.count_jobs(connection, NOW) == (2, 1, 30.0)


def test_text_that_one_of_the_databases_refuses_can_be_carried(database: Database) -> None:
    with database.write() as connection:
        jobs.enqueue(connection, "mail", {"subject": "a\0b\ud800"}, NOW)
    assert claim(database)[0].payload == {"subject": "a\0b\ud800"}
