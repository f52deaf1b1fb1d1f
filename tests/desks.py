"""Where reports are made and sent at any time that a test sets: real jobs, a real mail server, a clock by hand."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from random import Random
from typing import Any

from sqlalchemy import text

from journals import eventually
from mailboxes import Mailbox
from shortmcp.adapters.database import SqlWork
from shortmcp.adapters.smtp import LogMailer, SmtpMailer
from shortmcp.app.node import Node
from shortmcp.app.reports import make_report_duties, make_report_face
from shortmcp.catalog import CATALOG
from shortmcp.core.context import OPERATOR, Caller, Scope
from shortmcp.core.jobs import Claimed, claim, enqueue
from shortmcp.core.mails import Mailer
from shortmcp.core.plans import Plan
from shortmcp.core.reports.links import Purpose
from shortmcp.core.reports.making import DELIVER, ROUND
from shortmcp.core.workspaces import create_workspace
from shortmcp.worker import JobRunner
from visits import make_visits, store_visits

# A Monday, an hour before reports are due.
EARLY = datetime(2026, 6, 8, 6, tzinfo=UTC)
DUE, WEEK = EARLY + timedelta(hours=1), timedelta(days=7)
SENDER = "Links <links@sho.example>"
OPERATIONS = {operation.name: operation for operation in CATALOG}


@dataclass
class Desk:
    """A workspace `main` whose reports are sent to a mailbox. `now` is what its clock shows."""

    node: Node
    mailer: Mailer
    now: datetime = EARLY
    workspace_id: int = 0
    random: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - clicks, not keys

    @property
    def work(self) -> SqlWork:
        """Transactions by the desk's clock."""
        return replace(self.node.work(), clock=lambda: self.now)

    def open_workspace(self, name: str = "Main", plan: str = "unlimited") -> int:
        """A new workspace; the desk's own from now on."""
        with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
            self.workspace_id = create_workspace(ctx, name, plan).id or 0
        return self.workspace_id

    def perform(self, name: str, /, **given: Any) -> Any:
        """An operation as somebody of the workspace."""
        caller = Caller(self.workspace_id, 1, Scope.WRITE, Plan(name="unlimited"))
        return OPERATIONS[name].perform(self.work, caller, given)

    def count_clicks(self, code: str, number: int, start: datetime, end: datetime) -> None:
        """Clicks on a link, which has had none."""
        caller = Caller(self.workspace_id, 1, Scope.WRITE, Plan(name="unlimited"))
        with self.work.begin(caller, Scope.WRITE) as ctx:
            store_visits(ctx, make_visits(self.random, number, start, end), code=code)

    def run(self, now: datetime | None = None) -> None:
        """Do all jobs that are due at `now`, and look for reports that are."""
        self.now = now or self.now
        with self.node.database.write() as connection:
            connection.execute(text("DELETE FROM jobs WHERE kind = :round"), {"round": ROUND})
            enqueue(connection, ROUND, {}, self.now, dedupe_key=ROUND)
        self.do_jobs()

    def claim(self, kind: str, now: datetime) -> Claimed:
        """Lease the only job of a kind."""
        self.now = now
        with self.node.database.write() as connection:
            [job] = claim(connection, [kind], now, now + timedelta(minutes=1), 9)
        return job

    def deliver(self, job: Claimed) -> object:
        """Do a job that sends a report."""
        return make_report_duties(self.node, self.mailer, lambda: self.now)[DELIVER].run(job)

    def do_jobs(self) -> None:
        """Do all jobs that are due."""
        duties = make_report_duties(self.node, self.mailer, lambda: self.now)
        runner = JobRunner(
            self.node.database.read, self.node.database.write, duties, lambda: self.now, settle_seconds=0
        )
        runner.start()
        eventually(lambda: self.due() == 0)
        runner.stop(10)

    def due(self) -> int:
        """How many jobs are due or running."""
        query = text("SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'queued' AND run_at <= :now")
        with self.node.database.read() as connection:
            return connection.execute(query, {"now": round(self.now.timestamp() * 1_000_000)}).scalar_one()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self.node.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def answer(self, mail: Any, way: str) -> None:
        """What happens when somebody presses the button behind a mail's address."""
        face = make_report_face(self.node, self.work)
        found = face.links.read(Purpose(way), find_address(mail, way).rpartition("/")[2])
        assert found is not None
        perform = face.confirm if way == "confirm" else face.unsubscribe
        perform({"contact": found.contact_id, "project": found.project_id})


def find_address(mail: Any, way: str) -> str:
    """The address in a mail's text that is for `confirm` or `unsubscribe`."""
    [found] = set(re.findall(rf"http\S+/reports/{way}/\S+", mail.get_body(("plain",)).get_content()))
    return found


@contextmanager
def open_desk(node: Node, mailbox: Mailbox | None) -> Generator[Desk]:
    """A desk with an empty workspace; without a mailbox its mails are logged."""
    mailer = LogMailer() if mailbox is None else SmtpMailer(mailbox.server, SENDER, deadline=5)
    desk = Desk(node, mailer)
    desk.open_workspace()
    yield desk
    node.database.close()


def add_project(desk: Desk, name: str = "Summer", **fields: Any) -> Any:
    """A new project of the desk's workspace."""
    return desk.perform("create_project", name=name, **fields)


def sign_up(desk: Desk, mailbox: Mailbox, *addresses: str, **fields: Any) -> Any:
    """A project whose recipients have all said yes; the mailbox is empty again."""
    project = add_project(desk, weekly_report_recipients=",".join(addresses), **fields)
    desk.run()
    for mail in mailbox.mails:
        desk.answer(mail, "confirm")
    mailbox.clear()
    return project


def subjects(mails: list[EmailMessage]) -> list[tuple[str, str]]:
    """Who got what."""
    return sorted((str(mail["To"]), str(mail["Subject"])) for mail in mails)


def states(desk: Desk) -> list[str]:
    """What became of the reports."""
    return [row[0] for row in desk.rows("SELECT state FROM report_sends ORDER BY project_id, contact_id, first_day")]
