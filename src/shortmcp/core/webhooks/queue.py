"""The queue of deliveries: leased like jobs, but no endpoint gets more than its share of those who send.

An endpoint has at most two deliveries at once, over all processes; one that fails has one, and all that fail together
have at most half of a process's threads. So what hangs delays nobody but itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, text

from shortmcp.core.events.tables import OPEN, RUNNING
from shortmcp.core.fields import to_microseconds

AT_ONCE: Final = 2
AT_ONCE_FAILING: Final = 1


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery that a process has leased; `attempt` counts from 1 and tells this lease from others."""

    id: int
    webhook_id: int
    attempt: int


@dataclass(frozen=True)
class Lane:
    """An endpoint with something that is due: how many are being sent, and whether the latest ones failed."""

    webhook_id: int
    due: int
    running: int
    is_failing: bool

    @property
    def room(self) -> int:
        """How many more it may get."""
        return max(0, (AT_ONCE_FAILING if self.is_failing else AT_ONCE) - self.running)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether there is a delivery to claim."""
    return any(lane.room for lane in _read_lanes(connection, now))


def claim(
    connection: Connection, now: datetime, lease_end: datetime, limit: int, threads: int
) -> list[ClaimedDelivery]:
    """Lease up to `limit` deliveries for a process that has `threads`, fairly over the endpoints, the oldest first."""
    lanes = _read_lanes(connection, now)
    wanted = _share(lanes, limit, threads)
    if wanted and connection.dialect.name == "postgresql":
        # Others who claim at this moment count after us, and so do we after them.
        held = set(connection.execute(_HOLD, {"ids": sorted(wanted)}).scalars())
        wanted = _share([lane for lane in _read_lanes(connection, now) if lane.webhook_id in held], limit, threads)
    claimed = list[ClaimedDelivery]()
    values = {"now": to_microseconds(now), "lease_end": to_microseconds(lease_end)}
    for webhook_id, number in wanted.items():
        rows = connection.execute(_CLAIM, {**values, "webhook": webhook_id, "number": number})
        claimed += [ClaimedDelivery(row.id, row.webhook_id, row.attempts) for row in rows]
    return sorted(claimed, key=lambda one: one.id)


def extend_leases(connection: Connection, claimed: Sequence[ClaimedDelivery], lease_end: datetime) -> None:
    """Keep deliveries that are still being sent from being taken by others."""
    if claimed:
        rows = [{"id": one.id, "attempt": one.attempt, "run_at": to_microseconds(lease_end)} for one in claimed]
        connection.execute(_EXTEND, rows)


def count_deliveries(connection: Connection, now: datetime) -> tuple[int, float]:
    """How many deliveries are not done, and how many seconds ago the first of those was due that may be sent now.

    What waits behind an endpoint's own slowness is not late.
    """
    waiting = connection.execute(text(_sql("SELECT count(*) FROM webhook_deliveries WHERE {open}"))).scalar_one()
    due = min((lane.due for lane in _read_lanes(connection, now) if lane.room), default=None)
    return waiting, 0.0 if due is None else max(0.0, (to_microseconds(now) - due) / 1_000_000)


def _read_lanes(connection: Connection, now: datetime) -> list[Lane]:
    rows = connection.execute(_LANES, {"now": to_microseconds(now)})
    lanes = [Lane(row.webhook_id, row.due, row.running, bool(row.is_failing)) for row in rows if row.due is not None]
    return sorted(lanes, key=lambda lane: (lane.due, lane.webhook_id))


def _share(lanes: Sequence[Lane], limit: int, threads: int) -> dict[int, int]:
    """How many each endpoint gets: one for each in turn, then a second one."""
    left_for_failing = threads // 2 - sum(lane.running for lane in lanes if lane.is_failing)
    shares: dict[int, int] = {}
    for turn in range(1, AT_ONCE + 1):
        for lane in lanes:
            if limit <= 0:
                return shares
            if lane.room < turn or (lane.is_failing and left_for_failing <= 0):
                continue
            shares[lane.webhook_id] = turn
            limit, left_for_failing = limit - 1, left_for_failing - int(lane.is_failing)
    return shares


def _sql(query: str, **values: Any) -> str:
    # Words of ours; what is asked with stands in parameters.
    return query.format(open=OPEN, running=RUNNING, **values)


# From one endpoint to the next by the index: a thousand deliveries of one cost no more than one of it. A lane whose
# deliveries are not due is passed over by the caller.
_LANES = text(
    _sql(
        "WITH RECURSIVE lanes (id) AS (SELECT min(webhook_id) FROM webhook_deliveries WHERE {open} UNION ALL "
        "SELECT (SELECT min(d.webhook_id) FROM webhook_deliveries d WHERE {open} AND d.webhook_id > lanes.id) "
        "FROM lanes WHERE lanes.id IS NOT NULL) "
        "SELECT lanes.id AS webhook_id, w.failing_since IS NOT NULL AS is_failing, "
        "(SELECT min(d.run_at) FROM webhook_deliveries d WHERE d.webhook_id = lanes.id AND {open} "
        "AND d.run_at <= :now) AS due, "
        "(SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = lanes.id AND {running} "
        "AND d.run_at > :now) AS running FROM lanes JOIN webhooks w ON w.id = lanes.id"
    )
)
_HOLD = text("SELECT id FROM webhooks WHERE id IN :ids ORDER BY id FOR UPDATE SKIP LOCKED").bindparams(
    bindparam("ids", expanding=True)
)
_CLAIM = text(
    _sql(
        "UPDATE webhook_deliveries SET state = 'running', run_at = :lease_end, attempts = attempts + 1 WHERE id IN "
        "(SELECT id FROM webhook_deliveries WHERE webhook_id = :webhook AND {open} AND run_at <= :now "
        "ORDER BY run_at, id LIMIT :number) RETURNING id, webhook_id, attempts"
    )
)
_EXTEND = text(
    "UPDATE webhook_deliveries SET run_at = :run_at WHERE id = :id AND attempts = :attempt AND state = 'running'"
)
