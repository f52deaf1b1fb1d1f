"""What follows from attempts: the schedule over 75 hours, five days of failure, 410, and what is thrown away."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import SystemRandom
from typing import Any

import pytest
from sqlalchemy import text

from core.webhooks.test_queue import NOW, claim, put
from shortmcp.adapters.database import Database
from shortmcp.core.webhooks.delivering import Attempt
from shortmcp.core.webhooks.outcomes import DELAYS, JITTER, Tried, settle
from shortmcp.core.webhooks.purge import KEPT, forget_deliveries

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAILS, WORKS = Attempt(500, "The endpoint answered 500."), Attempt(200)


def attempt(database: Database, now: datetime, came: Attempt) -> None:
    """Claim everything that is due and let this come of it."""
    claimed = claim(database, now)
    assert claimed
    with database.write() as connection:
        settle(connection, [Tried(one, came) for one in claimed], now, SystemRandom())


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def webhook(database: Database) -> tuple[Any, ...]:
    return rows(database, "SELECT is_active, disabled_reason, failing_since IS NOT NULL FROM webhooks")[0]


def states(database: Database) -> list[str]:
    return [row[0] for row in rows(database, "SELECT state FROM webhook_deliveries ORDER BY id")]


def test_a_delivery_is_tried_ten_times_in_seventy_five_hours(database: Database) -> None:
    put(database, 1)
    moments = [NOW]
    while states(database) == ["queued"]:
        attempt(database, moments[-1], FAILS)
        [(run_at,)] = rows(database, "SELECT run_at FROM webhook_deliveries")
        moments.append(EPOCH + timedelta(microseconds=run_at))
    waits = [(after - before).total_seconds() for before, after in pairwise(moments[:-1])]
    assert len(waits) == len(DELAYS) == 9
    assert all(delay <= wait <= delay * (1 + JITTER) for delay, wait in zip(DELAYS, waits, strict=True))
    assert 75 <= sum(DELAYS) / 3600 < 76
    assert states(database) == ["failed"]
    assert rows(database, "SELECT attempts, response_status, error FROM webhook_deliveries") == [(10, 500, FAILS.error)]
    assert webhook(database) == (True, None, True)


def test_after_five_days_of_nothing_but_failures_it_is_switched_off_and_its_owner_told(database: Database) -> None:
    put(database, 3)
    with database.write() as connection:
        connection.execute(text("UPDATE workspaces SET owner_email = 'ann@example.com'"))
        connection.execute(text("UPDATE webhook_deliveries SET run_at = 0"))
    attempt(database, NOW, FAILS)
    attempt(database, NOW + timedelta(days=5, seconds=-1), FAILS)
    assert webhook(database) == (True, None, True)
    attempt(database, NOW + timedelta(days=5), FAILS)
    assert webhook(database) == (False, "failing", False)
    assert states(database) == ["failed"] * 3
    [(mail,)] = rows(database, "SELECT payload FROM jobs WHERE kind = 'mail'")
    assert "A webhook was switched off" in mail
    assert "https://a.example/" in mail


def test_one_success_ends_the_failing(database: Database) -> None:
    put(database, 1)
    attempt(database, NOW, FAILS)
    attempt(database, NOW + timedelta(days=4), WORKS)
    assert (webhook(database), states(database)) == ((True, None, False), ["succeeded"])


@pytest.mark.parametrize(
    ("came", "state", "after"),
    [
        (Attempt(410, "Gone.", is_gone=True), "failed", (False, "gone", False)),
        (Attempt(error="The webhook was switched off.", is_off=True), "failed", (True, None, False)),
        (Attempt(500, "No.", is_test=True), "failed", (True, None, False)),
        (Attempt(error="There was no complete answer in time."), "queued", (True, None, True)),
    ],
)
def test_what_is_final_and_what_counts_against_an_endpoint(
    database: Database, came: Attempt, state: str, after: tuple[Any, ...]
) -> None:
    put(database, 1)
    attempt(database, NOW, came)
    assert (states(database), webhook(database)) == ([state], after)


def test_deliveries_and_their_events_are_kept_for_a_week(database: Database) -> None:
    put(database, 2)

    def forget(now: datetime) -> list[int]:
        gone = list[int]()
        while not gone or gone[-1]:
            with database.write() as connection:
                gone.append(forget_deliveries(connection, now))
        return gone

    assert forget(NOW + KEPT) == [0]
    assert forget(NOW + KEPT + timedelta(seconds=1)) == [2, 2, 0]
    assert rows(database, "SELECT id FROM webhook_events UNION SELECT event_id FROM webhook_deliveries") == []
