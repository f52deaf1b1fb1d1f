"""Handing a report over: to each recipient once, or not at all where nobody can know whether it has arrived."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from shortmcp.core.jobs import Claimed, Failure, Postpone
from shortmcp.core.mails import Mail, Mailer, Refused, Uncertain
from shortmcp.core.recipients import refuse_contact
from shortmcp.core.reports.making import Transaction
from shortmcp.core.reports.sends import (
    Send,
    begin_send,
    end_send,
    give_mail_back,
    is_wanted,
    state_of,
    take_report_mail,
)
from shortmcp.core.reports.tables import SendState

log = structlog.get_logger("shortmcp.reports")
_DAY_SECONDS = 86_400


class TakenElsewhereError(Exception):
    """Another worker has begun to send the same report."""


@dataclass(frozen=True)
class ReportSender:
    """Does the jobs that send reports. `write` survives a power cut; `most` mails a workspace may cause on a UTC day.

    A report is marked just before its contents go out. Whoever finds the mark, after a crash or beside another worker,
    does not send it: it may have arrived.
    """

    write: Transaction
    mailer: Mailer
    most: int
    clock: Callable[[], datetime]

    def deliver(self, job: Claimed) -> None:
        """Send one report to one recipient, if they still want it."""
        send, workspace_id = Send(**job.payload["send"]), job.workspace_id or 0
        if not self._admit(send, workspace_id):
            return
        mail = _read_report(send, job)
        try:
            self.mailer.send(mail, lambda: self._begin(send))
        except TakenElsewhereError:
            log.info("report is sent by another worker", send=send.key)
        except Uncertain as error:
            self._end(send, SendState.UNKNOWN)
            log.warning("report may not have arrived", send=send.key, reason=str(error))
        except Refused as error:
            self._end(send, SendState.DROPPED, refused=True)
            log.warning("recipient of reports refused", contact=send.contact, reason=str(error))
        except Failure:
            # For good or for now: nothing has arrived, and a person may have the job run again.
            self._put_back(send, workspace_id)
            raise
        else:
            self._end(send, SendState.SENT)

    def _admit(self, send: Send, workspace_id: int) -> bool:
        now = self.clock()
        with self.write() as connection:
            state = state_of(connection, send)
            if state is SendState.SENDING:
                end_send(connection, send, SendState.UNKNOWN, now)
                log.warning("report may not have arrived", send=send.key, reason="Its worker ended while it was sent.")
            if state is not SendState.WAITING:
                return False
            if not is_wanted(connection, send):
                end_send(connection, send, SendState.DROPPED, now)
                return False
            taken = take_report_mail(connection, workspace_id, now, self.most)
        if not taken:
            log.warning("report waits: the workspace had its mails of the day", workspace=workspace_id)
            raise Postpone(seconds_to_next_day(now))
        return True

    def _begin(self, send: Send) -> None:
        with self.write() as connection:
            if not begin_send(connection, send, self.clock()):
                raise TakenElsewhereError

    def _end(self, send: Send, state: SendState, *, refused: bool = False) -> None:
        now = self.clock()
        with self.write() as connection:
            end_send(connection, send, state, now)
            if refused:
                refuse_contact(connection, send.contact, now)

    def _put_back(self, send: Send, workspace_id: int) -> None:
        now = self.clock()
        with self.write() as connection:
            end_send(connection, send, SendState.WAITING, now)
            give_mail_back(connection, workspace_id, now)


def _read_report(send: Send, job: Claimed) -> Mail:
    to, subject, text, html, unsubscribe = (
        job.payload[part] for part in ("to", "subject", "text", "html", "unsubscribe")
    )
    return Mail(send.key, to, subject, text, html, job.due_at, unsubscribe)


def seconds_to_next_day(now: datetime) -> float:
    """How long the UTC day still lasts, in seconds."""
    return _DAY_SECONDS - now.timestamp() % _DAY_SECONDS
