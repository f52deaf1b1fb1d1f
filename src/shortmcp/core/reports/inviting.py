"""Asking people once whether they want reports: the only mail that reaches somebody who has not said yes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row, text

from shortmcp.core.fields import to_microseconds
from shortmcp.core.jobs import Claimed, Failure, Postpone
from shortmcp.core.mails import Mail, Mailer, Refused
from shortmcp.core.recipients import ASK_AGAIN, note_invitation, read_recipients, refuse_contact
from shortmcp.core.reports.links import Purpose, ReportLinks, Subscription
from shortmcp.core.reports.making import Transaction
from shortmcp.core.reports.rendering import write_invitation
from shortmcp.core.reports.sending import seconds_to_next_day
from shortmcp.core.reports.sends import give_mail_back, take_report_mail

log = structlog.get_logger("shortmcp.reports")
# From all workspaces together: whoever opens many must not be able to flood somebody by way of us.
INVITATIONS_A_DAY: Final = 3


@dataclass(frozen=True)
class Inviter:
    """Does the jobs that invite recipients; `most` mails a workspace may cause on a UTC day, reports included."""

    read: Transaction
    write: Transaction
    mailer: Mailer
    links: ReportLinks
    most: int
    clock: Callable[[], datetime]

    def invite(self, job: Claimed) -> None:
        """Ask somebody whether they want reports, unless they have answered or nobody wants to send them any more."""
        now = self.clock()
        # Of an attempt that was broken off the mark stands already.
        before = now - ASK_AGAIN if job.attempt == 1 else now + ASK_AGAIN
        with self.read() as connection:
            asked = _find(connection, job.payload["contact"], job.payload["project"], before)
        if asked is None:
            return
        mail = self._write(asked, job)
        if not self.mailer.delivers:
            # Only logged. They count as not asked, and are when there is a mail server and the next report is due.
            self.mailer.send(mail)
            return
        self._take(asked, now)
        try:
            self.mailer.send(mail)
        except Refused as error:
            with self.write() as connection:
                refuse_contact(connection, asked.id, now)
            log.warning("recipient of reports refused", contact=asked.id, reason=str(error))
        except Failure:
            with self.write() as connection:
                note_invitation(connection, asked.id, asked.invited_at)
                give_mail_back(connection, asked.workspace_id, now)
            raise

    def _take(self, asked: Row[Any], now: datetime) -> None:
        with self.write() as connection:
            lock = " FOR UPDATE" if connection.dialect.name == "postgresql" else ""
            others = connection.execute(text(_OF_ADDRESS + lock), {"address": asked.address}).scalars().all()
            since = to_microseconds(now - timedelta(days=1))
            got = sum(1 for invited_at in others if invited_at is not None and invited_at > since)
            taken = got < INVITATIONS_A_DAY and take_report_mail(connection, asked.workspace_id, now, self.most)
            if taken:
                note_invitation(connection, asked.id, to_microseconds(now))
        if not taken:
            log.warning("invitation waits: too many mails today", workspace=asked.workspace_id)
            raise Postpone(seconds_to_next_day(now))

    def _write(self, asked: Row[Any], job: Claimed) -> Mail:
        subscription = Subscription(asked.id, asked.project_id)
        confirm = self.links.make(Purpose.CONFIRM, subscription)
        unsubscribe = self.links.make(Purpose.UNSUBSCRIBE, subscription)
        written = write_invitation(asked.workspace, asked.slug, confirm, unsubscribe)
        key = f"report-invitation-{asked.id}-{to_microseconds(job.due_at)}"
        return Mail(key, asked.address, written.subject, written.text, written.html, job.due_at, unsubscribe)


def _find(connection: Connection, contact_id: int, project_id: int, before: datetime) -> Row[Any] | None:
    values = {"contact": contact_id, "project": project_id, "before": to_microseconds(before)}
    found = connection.execute(_ASKED, values).first()
    listed = found is not None and found.address in read_recipients(found.weekly, found.monthly)
    return found if listed else None


_ASKED = text(
    "SELECT c.id, c.address, c.workspace_id, c.invited_at, w.name AS workspace, p.id AS project_id, p.slug, "
    "p.weekly_report_recipients AS weekly, p.monthly_report_recipients AS monthly FROM report_contacts c "
    "JOIN workspaces w ON w.id = c.workspace_id AND w.suspended_at IS NULL "
    "JOIN projects p ON p.id = :project AND p.workspace_id = c.workspace_id "
    "WHERE c.id = :contact AND c.confirmed_at IS NULL AND c.declined_at IS NULL "
    "AND (c.invited_at IS NULL OR c.invited_at < :before)"
)
_OF_ADDRESS = "SELECT invited_at FROM report_contacts WHERE address = :address ORDER BY id"
