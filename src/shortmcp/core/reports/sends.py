"""Each report's way to one recipient, as it stands in the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from shortmcp.core.fields import to_microseconds
from shortmcp.core.mails import take_mail, utc_day
from shortmcp.core.recipients import read_recipients
from shortmcp.core.reports.periods import Cadence
from shortmcp.core.reports.tables import SendState


@dataclass(frozen=True, slots=True)
class Send:
    """One report of one period to one recipient; `first` is the period's first day, YYYY-MM-DD."""

    project: int
    cadence: str
    first: str
    contact: int

    @property
    def key(self) -> str:
        """A name that no other mail has."""
        return f"report-{self.cadence}-{self.first}-{self.project}-{self.contact}"


def add_send(connection: Connection, send: Send, now: datetime) -> bool:
    """Write a report down for its recipient; false where that was done before."""
    return connection.execute(_ADD, {**_values(send), "now": to_microseconds(now)}).first() is not None


def state_of(connection: Connection, send: Send) -> SendState | None:
    """How far it has come; None where it was never written down, or long ago."""
    state: str | None = connection.execute(text(f"SELECT state FROM report_sends {_THIS}"), _values(send)).scalar()  # noqa: S608
    return None if state is None else SendState(state)


def begin_send(connection: Connection, send: Send, now: datetime) -> bool:
    """Mark it as being sent; false where another worker was faster, and this one must leave it alone."""
    values = {**_values(send), "now": to_microseconds(now)}
    return connection.execute(_BEGIN, values).first() is not None


def end_send(connection: Connection, send: Send, state: SendState, now: datetime) -> None:
    """Note what became of it."""
    connection.execute(_END, {**_values(send), "state": state.value, "now": to_microseconds(now)})


def is_wanted(connection: Connection, send: Send) -> bool:
    """Whether its recipient still wants it and its project still names them, and no newer one is on its way."""
    found = connection.execute(text(_WANTED.format(cadence=Cadence(send.cadence).value)), _values(send)).first()
    return found is not None and found.address in read_recipients(found.recipients)


def take_report_mail(connection: Connection, workspace_id: int, now: datetime, most: int) -> bool:
    """Count one mail more that a workspace causes on this UTC day; false where it had `most`."""
    return take_mail(connection, "report_days", workspace_id, now, most)


def give_mail_back(connection: Connection, workspace_id: int, now: datetime) -> None:
    """Take back what was counted for a mail that did not go out."""
    connection.execute(_GIVE_BACK, {"workspace": workspace_id, "day": utc_day(now)})


def _values(send: Send) -> dict[str, Any]:
    return {"project": send.project, "cadence": send.cadence, "first": send.first, "contact": send.contact}


_THIS = "WHERE project_id = :project AND cadence = :cadence AND first_day = :first AND contact_id = :contact"
_ADD = text(
    "INSERT INTO report_sends (project_id, cadence, first_day, contact_id, state, changed_at) "
    "VALUES (:project, :cadence, :first, :contact, 'waiting', :now) "
    "ON CONFLICT (project_id, cadence, first_day, contact_id) DO NOTHING RETURNING state"
)
_BEGIN = text(
    f"UPDATE report_sends SET state = 'sending', changed_at = :now {_THIS} AND state = 'waiting' RETURNING state"  # noqa: S608
)
_END = text(f"UPDATE report_sends SET state = :state, changed_at = :now {_THIS}")  # noqa: S608
_WANTED = (
    "SELECT c.address, p.{cadence}_report_recipients AS recipients FROM report_contacts c "
    "JOIN projects p ON p.id = :project AND p.workspace_id = c.workspace_id "
    "JOIN workspaces w ON w.id = c.workspace_id AND w.suspended_at IS NULL "
    "WHERE c.id = :contact AND c.confirmed_at IS NOT NULL AND c.declined_at IS NULL AND c.refused_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM report_opt_outs o WHERE o.contact_id = c.id AND o.project_id = p.id) "
    "AND NOT EXISTS (SELECT 1 FROM report_sends s WHERE s.project_id = p.id AND s.cadence = :cadence "
    "AND s.contact_id = c.id AND s.first_day > :first)"
)
_GIVE_BACK = text(
    "UPDATE report_days SET mails = mails - 1 WHERE workspace_id = :workspace AND day = :day AND mails > 0"
)
