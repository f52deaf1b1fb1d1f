"""Who gets to send: every endpoint in its turn, none more than its share, and each delivery one process at a time."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import SystemRandom

import pytest
from sqlalchemy import Connection, text

from shortmcp.adapters.database import Database
from shortmcp.core.events.announcing import Told, write_events
from shortmcp.core.webhooks import queue
from shortmcp.core.webhooks.delivering import Attempt
from shortmcp.core.webhooks.outcomes import Tried, settle
from shortmcp.core.webhooks.queue import ClaimedDelivery

NOW = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)
THREADS = 8


def put(database: Database, *numbers: int, failing: frozenset[int] = frozenset()) -> None:
    """Webhooks 1, 2, 3 ... with so many deliveries each."""
    with database.write() as connection:
        connection.execute(
            text("INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)")
        )
        for webhook_id, number in enumerate(numbers, 1):
            connection.execute(
                text(
                    "INSERT INTO webhooks (id, workspace_id, url, event_types, salt, is_active, failing_since, "
                    "created_at, updated_at) VALUES (:id, 1, 'https://a.example/', ' link.clicked ', 'x', true, "
                    ":since, 0, 0)"
                ),
                {"id": webhook_id, "since": 1 if webhook_id in failing else None},
            )
            write_events(connection, [Told("link.clicked", {}, [webhook_id]) for _ in range(number)], NOW)


def claim(database: Database, now: datetime = NOW, limit: int = THREADS) -> list[ClaimedDelivery]:
    with database.write() as connection:
        return claim_in(connection, now, limit)


def claim_in(connection: Connection, now: datetime = NOW, limit: int = THREADS) -> list[ClaimedDelivery]:
    return queue.claim(connection, now, now + LEASE, limit, THREADS)


def share(claimed: list[ClaimedDelivery]) -> Counter[int]:
    return Counter(one.webhook_id for one in claimed)


def end(database: Database, claimed: list[ClaimedDelivery], error: str = "") -> None:
    with database.write() as connection:
        settle(connection, [Tried(one, Attempt(error=error)) for one in claimed], NOW, SystemRandom())


def test_an_endpoint_has_two_at_once_however_many_wait_and_whoever_asks(database: Database) -> None:
    put(database, 50, 1, 1)
    first = claim(database)
    assert share(first) == {1: 2, 2: 1, 3: 1}
    with database.read() as connection:
        assert not queue.is_due(connection, NOW)
    assert claim(database) == []
    end(database, first[:1])
    second = claim(database)
    assert share(second) == {1: 1}
    assert {one.id for one in second}.isdisjoint(one.id for one in first)


def test_what_waits_for_its_own_endpoint_is_not_late(database: Database) -> None:
    put(database, 5, 1)
    later = NOW + timedelta(seconds=30)

    def count() -> tuple[int, float]:
        with database.read() as connection:
            return queue.count_deliveries(connection, later)

    assert count() == (6, 30.0)
    claim(database)
    assert count() == (6, 0.0)


def test_where_threads_are_few_each_endpoint_gets_one_before_any_gets_two(database: Database) -> None:
    put(database, 9, 9, 9)
    assert share(claim(database, limit=4)) == {1: 2, 2: 1, 3: 1}
    assert share(claim(database, limit=1)) == {2: 1}


def test_those_that_fail_get_one_each_and_half_of_the_threads_together(database: Database) -> None:
    put(database, *[9] * 6, failing=frozenset(range(1, 6)))
    assert share(claim(database)) == {1: 1, 2: 1, 3: 1, 4: 1, 6: 2}
    assert claim(database) == []


def test_a_delivery_whose_process_is_gone_is_another_s_when_its_lease_ends(database: Database) -> None:
    put(database, 1)
    [first] = claim(database)
    assert claim(database, NOW + LEASE - timedelta(microseconds=1)) == []
    with database.write() as connection:
        queue.extend_leases(connection, [first], NOW + 2 * LEASE)
    assert claim(database, NOW + LEASE) == []
    [second] = claim(database, NOW + 2 * LEASE)
    assert (second.id, second.attempt) == (first.id, 2)
    # The first process comes back: it is no longer its delivery.
    end(database, [first])
    with database.read() as connection:
        assert connection.execute(text("SELECT state FROM webhook_deliveries")).scalar_one() == "running"
    end(database, [second])
    assert claim(database, NOW + 9 * LEASE) == []


# SQLite has one writer: there is no same moment.
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_processes_at_the_same_moment_do_not_exceed_the_share_together(database: Database) -> None:
    put(database, 9, 1)
    with database.write() as one, database.write() as another:
        claimed = [*claim_in(one), *claim_in(another)]
    assert share([*claimed, *claim(database)]) == {1: 2, 2: 1}


def test_ten_thousand_that_wait_for_one_endpoint_are_not_looked_through(database: Database) -> None:
    put(database, 10_000, 1)
    assert share(claim(database)) == {1: 2, 2: 1}
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        prefix = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(str(row) for row in connection.execute(text(prefix + queue._LANES.text), {"now": 0}))
    assert "ix_webhook_deliveries_open" in plan
    assert "ix_webhook_deliveries_running" in plan
    assert "webhook_id_id" not in plan
