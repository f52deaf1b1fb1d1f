"""When reports are made: each period has its round, in which every project with recipients gets a job."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from shortmcp.core.fields import MAX_ID, to_microseconds
from shortmcp.core.jobs import enqueue
from shortmcp.core.reports.periods import Period

REPORT: Final = "report"
# Projects of one transaction: on SQLite nobody else writes meanwhile.
STEP: Final = 200
# For so long it can be looked up what became of a report. Far longer than any may still be on its way.
KEPT: Final = timedelta(days=400)


def has_turn(connection: Connection, period: Period) -> bool:
    """Whether the round of a period is not over yet. Costs next to nothing where it is."""
    found = connection.execute(_ROUND, {"cadence": period.cadence.value}).first()
    first = period.first.isoformat()
    return found is None or found.first_day < first or (found.first_day == first and found.project_id < MAX_ID)


def take_turn(connection: Connection, period: Period, due: datetime, now: datetime, step: int = STEP) -> None:
    """Have the reports of the next projects made; whoever does so at the same moment waits, and takes those after.

    A period whose round was missed is passed over once the next one's has begun.
    """
    cadence, first = period.cadence.value, period.first.isoformat()
    after = connection.execute(_BEGIN, {"cadence": cadence, "first": first}).scalar()
    if after is None or after >= MAX_ID:
        return
    values = {"after": after, "due": to_microseconds(due), "step": step}
    projects = connection.execute(text(_PROJECTS.format(cadence=period.cadence.value)), values).all()
    for project in projects:
        payload = {"project": project.id, "cadence": cadence, "first": first}
        key = f"{REPORT} {cadence} {first} {project.id}"
        enqueue(connection, REPORT, payload, now, dedupe_key=key, workspace_id=project.workspace_id)
    last = projects[-1].id if len(projects) == step else MAX_ID
    connection.execute(_GO_ON, {"cadence": cadence, "last": last})
    if last == MAX_ID:
        connection.execute(_FORGET, {"before": (period.first - KEPT).isoformat(), "cadence": cadence})


_ROUND = text("SELECT first_day, project_id FROM report_rounds WHERE cadence = :cadence")
# Days as text are ordered as days are. The row stays locked until the transaction ends.
_BEGIN = text(
    "INSERT INTO report_rounds (cadence, first_day, project_id) VALUES (:cadence, :first, 0) "
    "ON CONFLICT (cadence) DO UPDATE SET first_day = excluded.first_day, project_id = "
    "CASE WHEN report_rounds.first_day < excluded.first_day THEN 0 ELSE report_rounds.project_id END "
    "WHERE report_rounds.first_day <= excluded.first_day RETURNING project_id"
)
_PROJECTS = (
    "SELECT p.id, p.workspace_id FROM projects p JOIN workspaces w ON w.id = p.workspace_id "
    "WHERE p.id > :after AND p.{cadence}_report_recipients IS NOT NULL AND p.created_at < :due "
    "AND w.suspended_at IS NULL ORDER BY p.id LIMIT :step"
)
_GO_ON = text("UPDATE report_rounds SET project_id = :last WHERE cadence = :cadence")
_FORGET = text("DELETE FROM report_sends WHERE cadence = :cadence AND first_day < :before")
