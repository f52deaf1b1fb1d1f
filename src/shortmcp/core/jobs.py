"""Jobs: what must leave the process, written down in the transaction of what caused it and done afterwards.

A job that is done is no longer there. One that has failed for the last time stays as a dead letter.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, bindparam, text
from sqlmodel import Field, SQLModel, col, select

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.fields import Moment, to_microseconds

MAX_ERROR = 200


class JobState(StrEnum):
    """A queued job waits for its turn, a running one is leased to a runner, a dead one waits for a person."""

    QUEUED = "queued"
    RUNNING = "running"
    DEAD = "dead"


class Job(SQLModel, table=True):
    """One thing to do. `run_at` is when it is due; of a running job, when its lease ends and another may take it.

    `due_at` is when it was first to be run, `attempts` how often it has been begun. `last_error` holds no secrets.
    """

    __tablename__ = "jobs"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (
        Index(
            "ix_jobs_run_at", "run_at", sqlite_where=text("state <> 'dead'"), postgresql_where=text("state <> 'dead'")
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    kind: str
    payload: str
    dedupe_key: str | None = Field(default=None, unique=True)
    workspace_id: int | None = None
    due_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    run_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    state: str = Field(default=JobState.QUEUED.value, sa_column_kwargs={"server_default": JobState.QUEUED.value})
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    last_error: str | None = None


@dataclass(frozen=True)
class Claimed:
    """A job that a runner has leased; `attempt` counts from 1 and tells this lease from earlier and later ones."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    workspace_id: int | None
    due_at: datetime
    attempt: int


class Failure(Exception):  # noqa: N818 - it is expected to happen
    """What a handler raises where trying again later may help; the sentence is kept and must hold no secrets."""


class GiveUp(Failure):
    """What a handler raises where trying again cannot help: the job is dead at once."""


class Postpone(Exception):  # noqa: N818 - it is no error
    """What a handler raises to be called again `seconds` later, without this counting as an attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def enqueue(
    connection: Connection,
    kind: str,
    payload: Mapping[str, Any],
    run_at: datetime,
    *,
    dedupe_key: str | None = None,
    workspace_id: int | None = None,
) -> int | None:
    """Write a job down in the connection's transaction; it is run at `run_at` or soon after, or not at all if that
    transaction is rolled back. Returns its id, None where a job with that `dedupe_key` is not done yet.

    A running job counts as not done: what it must not overlook belongs into the key, such as the version of what it
    looks at. A dead job of the same key makes room for the new one.
    """
    row = {
        "kind": kind,
        "payload": json.dumps(payload),
        "dedupe_key": dedupe_key,
        "workspace_id": workspace_id,
        "run_at": to_microseconds(run_at),
    }
    return connection.execute(_ENQUEUE, row).scalar()


def is_due(connection: Connection, kinds: Collection[str], now: datetime) -> bool:
    """Whether there is a job of these kinds to claim."""
    return connection.execute(_IS_DUE, {"kinds": list(kinds), "now": to_microseconds(now)}).first() is not None


def claim(
    connection: Connection, kinds: Collection[str], now: datetime, lease_end: datetime, limit: int
) -> list[Claimed]:
    """Lease up to `limit` jobs that are due, also those whose runner has not come back before its lease ended."""
    # Runners at the same moment take different jobs on PostgreSQL; on SQLite they take turns.
    locked = " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
    rows = connection.execute(
        text(_CLAIM.format(locked=locked)).bindparams(bindparam("kinds", expanding=True)).columns(due_at=Moment),
        {
            "kinds": list(kinds),
            "now": to_microseconds(now),
            "lease_end": to_microseconds(lease_end),
            "limit": limit,
        },
    )
    claimed = [
        Claimed(row.id, row.kind, json.loads(row.payload), row.workspace_id, row.due_at, row.attempts) for row in rows
    ]
    return sorted(claimed, key=lambda job: (job.due_at, job.id))


def extend_leases(connection: Connection, jobs: Collection[Claimed], lease_end: datetime) -> None:
    """Keep jobs that are still being run from being taken by others."""
    _change(connection, "UPDATE jobs SET run_at = :run_at", jobs, run_at=to_microseconds(lease_end))


def finish(connection: Connection, jobs: Collection[Claimed]) -> None:
    """Forget jobs that are done."""
    _change(connection, "DELETE FROM jobs", jobs)


def put_back(connection: Connection, job: Claimed, run_at: datetime, error: str | None) -> None:
    """Run a job again at `run_at`: after a failure with `error`; without one the attempt does not count."""
    change = "UPDATE jobs SET state = 'queued', run_at = :run_at, attempts = attempts - :uncounted, last_error = :error"
    uncounted = int(error is None)
    _change(connection, change, [job], run_at=to_microseconds(run_at), uncounted=uncounted, error=_short(error))


def bury(connection: Connection, job: Claimed, error: str) -> None:
    """Make a job a dead letter: kept, and run again only when a person says so."""
    _change(connection, "UPDATE jobs SET state = 'dead', last_error = :error", [job], error=_short(error))


def list_jobs(ctx: Context, state: JobState | None, limit: int) -> list[Job]:
    """The jobs that are not done, in the order in which they are due; the dead last."""
    query = select(Job).order_by(col(Job.state) == JobState.DEAD.value, col(Job.run_at), col(Job.id)).limit(limit)
    return list(ctx.session.exec(query if state is None else query.where(Job.state == state.value)))


def retry_jobs(ctx: Context, job_id: int | None) -> int:
    """Queue a dead job anew with all its attempts, or all of them where `job_id` is None; returns how many there were.

    NOT_FOUND where no dead job has that id.
    """
    query = select(Job).where(Job.state == JobState.DEAD.value)
    jobs: Sequence[Job] = ctx.session.exec(query if job_id is None else query.where(Job.id == job_id)).all()
    if job_id is not None and not jobs:
        raise OperationError(
            Code.NOT_FOUND, "There is no dead job with that id; `shortmcp jobs list --state dead` shows them all."
        )
    for job in jobs:
        job.sqlmodel_update({"state": JobState.QUEUED.value, "run_at": ctx.now, "attempts": 0})
        ctx.session.add(job)
    return len(jobs)


def count_jobs(connection: Connection, now: datetime) -> tuple[int, int, float]:
    """How many jobs are not done, how many are dead, and how many seconds ago the first of those that wait was due."""
    waiting, dead, oldest = connection.execute(_COUNT, {"now": to_microseconds(now)}).one()
    return waiting, dead, 0.0 if oldest is None else max(0.0, (to_microseconds(now) - oldest) / 1_000_000)


def _change(connection: Connection, change: str, jobs: Collection[Claimed], **values: Any) -> None:
    # A runner whose lease has ended meanwhile changes nothing: the job is another's.
    if jobs:
        statement = text(f"{change} WHERE id = :id AND attempts = :attempt AND state = 'running'")
        connection.execute(statement, [{"id": job.id, "attempt": job.attempt, **values} for job in jobs])


def _short(error: str | None) -> str | None:
    return None if error is None else error.replace("\0", "")[:MAX_ERROR]


_ENQUEUE = text(
    "INSERT INTO jobs (kind, payload, dedupe_key, workspace_id, due_at, run_at) "
    "VALUES (:kind, :payload, :dedupe_key, :workspace_id, :run_at, :run_at) "
    "ON CONFLICT (dedupe_key) DO UPDATE SET kind = excluded.kind, payload = excluded.payload, "
    "workspace_id = excluded.workspace_id, due_at = excluded.due_at, run_at = excluded.run_at, "
    "state = 'queued', attempts = 0, last_error = NULL WHERE jobs.state = 'dead' RETURNING id"
)
_IS_DUE = text("SELECT 1 FROM jobs WHERE state <> 'dead' AND run_at <= :now AND kind IN :kinds LIMIT 1").bindparams(
    bindparam("kinds", expanding=True)
)
# Materialised, so that PostgreSQL picks the jobs once, whatever plan it makes.
_CLAIM = (
    "WITH due AS MATERIALIZED (SELECT id FROM jobs WHERE state <> 'dead' AND run_at <= :now AND kind IN :kinds "
    "ORDER BY run_at, id LIMIT :limit{locked}) "
    "UPDATE jobs SET state = 'running', run_at = :lease_end, attempts = attempts + 1 "
    "WHERE id IN (SELECT id FROM due) RETURNING id, kind, payload, workspace_id, due_at, attempts"
)
_COUNT = text(
    "SELECT count(*) FILTER (WHERE state <> 'dead'), count(*) FILTER (WHERE state = 'dead'), "
    "min(CASE WHEN state = 'queued' AND run_at <= :now THEN run_at END) FROM jobs"
)
