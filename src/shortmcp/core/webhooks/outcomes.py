"""What follows from attempts: done, tried again, given up; and endpoints that are switched off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, text

from shortmcp.core.fields import to_microseconds
from shortmcp.core.mails import Letter, mail_owner
from shortmcp.core.webhooks.delivering import Attempt
from shortmcp.core.webhooks.finding import Reason, switch_off
from shortmcp.core.webhooks.queue import ClaimedDelivery

# The schedule that Standard Webhooks recommends, in seconds: ten attempts in 75 hours.
DELAYS: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
# Attempts that failed together shall not come back together; later than the schedule says, never earlier.
JITTER: Final = 0.1
FAILING_DAYS: Final = 5


@dataclass(frozen=True)
class Tried:
    """A delivery and what came of its latest attempt."""

    claimed: ClaimedDelivery
    attempt: Attempt


def settle(connection: Connection, tried: Sequence[Tried], now: datetime, random: Random) -> None:
    """Write down what came of attempts. One whose lease had ended meanwhile is another's and changes nothing."""
    # Webhooks before deliveries, as everybody locks them: on PostgreSQL two would wait for each other otherwise.
    lock = " ORDER BY id FOR UPDATE" if connection.dialect.name == "postgresql" else ""
    query = text(_WEBHOOKS + lock).bindparams(bindparam("ids", expanding=True))
    ids = sorted({one.claimed.webhook_id for one in tried})
    webhooks = {row.id: row for row in connection.execute(query, {"ids": ids})}
    rows = [_row(one, now, random, is_off=one.claimed.webhook_id not in webhooks) for one in tried]
    if rows:
        connection.execute(_STORE, rows)
    for webhook_id, webhook in webhooks.items():
        _judge(connection, webhook, [one.attempt for one in tried if one.claimed.webhook_id == webhook_id], now)


def _row(one: Tried, now: datetime, random: Random, *, is_off: bool) -> dict[str, Any]:
    attempt, number = one.attempt, one.claimed.attempt
    state, run_at = "succeeded", now
    if attempt.error:
        again = number <= len(DELAYS) and not (attempt.is_off or attempt.is_gone or attempt.is_test or is_off)
        state = "queued" if again else "failed"
        run_at = now + timedelta(seconds=DELAYS[number - 1] * (1 + JITTER * random.random())) if again else now
    return {
        "id": one.claimed.id,
        "attempt": number,
        "state": state,
        "run_at": to_microseconds(run_at),
        "status": attempt.status,
        "error": attempt.error or None,
        "now": to_microseconds(now),
    }


def _judge(connection: Connection, webhook: Row[Any], attempts: Sequence[Attempt], now: datetime) -> None:
    made = [attempt for attempt in attempts if not (attempt.is_off or attempt.is_test)]
    if any(attempt.is_verified for attempt in made):
        connection.execute(_SWITCH_ON, {"id": webhook.id, "now": to_microseconds(now)})
    if not webhook.is_active or not made:
        return
    if any(attempt.is_gone for attempt in made):
        _give_up(connection, webhook, Reason.GONE, now)
    elif any(not attempt.error for attempt in made):
        if webhook.failing_since is not None:
            connection.execute(_FAILING, {"id": webhook.id, "since": None})
    elif webhook.failing_since is None:
        connection.execute(_FAILING, {"id": webhook.id, "since": to_microseconds(now)})
    elif webhook.failing_since <= to_microseconds(now - timedelta(days=FAILING_DAYS)):
        _give_up(connection, webhook, Reason.FAILING, now)


def _give_up(connection: Connection, webhook: Row[Any], reason: Reason, now: datetime) -> None:
    switch_off(connection, webhook.id, reason, now)
    why = {
        Reason.GONE: "It answered that it is gone for good (status 410).",
        Reason.FAILING: f"For {FAILING_DAYS} days it has taken nothing that was sent to it.",
    }[reason]
    way_out = f"When it works again, switch webhook {webhook.id} on (`is_active`) and retry what it missed."
    letter = Letter("A webhook was switched off", (f"Nothing more is sent to {webhook.url}.", why, way_out))
    mail_owner(connection, webhook.workspace_id, letter, now)


_WEBHOOKS = "SELECT id, workspace_id, url, is_active, failing_since FROM webhooks WHERE id IN :ids"
_STORE = text(
    "UPDATE webhook_deliveries SET state = :state, run_at = :run_at, response_status = :status, error = :error, "
    "attempted_at = :now WHERE id = :id AND attempts = :attempt AND state = 'running'"
)
_FAILING = text("UPDATE webhooks SET failing_since = :since WHERE id = :id")
_SWITCH_ON = text(
    "UPDATE webhooks SET is_active = true, disabled_reason = NULL, updated_at = :now "
    "WHERE id = :id AND disabled_reason = 'unverified'"
)
