"""Making reports: round by round, for each project once, and for each of its recipients a mail."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlmodel import col, select

from shortmcp.core.context import OPERATOR, Caller, Context, Scope, Work
from shortmcp.core.jobs import Claimed, Postpone, enqueue
from shortmcp.core.projects import Project
from shortmcp.core.recipients import ReportContact, ReportOptOut, expect_recipients, read_recipients
from shortmcp.core.reports.links import Purpose, ReportLinks, Subscription
from shortmcp.core.reports.numbers import Report, read_report
from shortmcp.core.reports.periods import Cadence, Period, latest_period, period_from
from shortmcp.core.reports.rendering import write_report
from shortmcp.core.reports.scheduling import has_turn, take_turn
from shortmcp.core.reports.sends import Send, add_send
from shortmcp.core.workspaces import Workspace

ROUND: Final = "report_round"
DELIVER: Final = "report_mail"
# How long until it is looked again whether a report is due.
ROUND_SECONDS: Final = 30.0

Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class ReportMaker:
    """Does the jobs that make reports, whose days and hours are those of `zone`."""

    read: Transaction
    write: Transaction
    work: Work
    links: ReportLinks
    zone: ZoneInfo
    clock: Callable[[], datetime]

    def round(self, job: Claimed) -> None:
        """Have the reports made that are due, and look again in a while."""
        now = self.clock()
        for cadence in Cadence:
            period = latest_period(cadence, now, self.zone)
            while self._has_turn(period):
                with self.write() as connection:
                    take_turn(connection, period, period.due_at(self.zone), now)
        raise Postpone(ROUND_SECONDS)

    def make(self, job: Claimed) -> None:
        """Make a project's report of a period, and a job for each recipient. Who was not asked yet is asked."""
        cadence = Cadence(job.payload["cadence"])
        period = period_from(cadence, date.fromisoformat(job.payload["first"]))
        with self.work.begin(OPERATOR, Scope.READ) as ctx:
            made = _find_and_count(ctx, job.payload["project"], period, self.zone)
        if made is None:
            return
        project, workspace, report = made
        with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
            listed = read_recipients(_listed(project, cadence))
            expect_recipients(ctx.session.connection(), project.workspace_id, project.id or 0, listed, ctx.now)
            due = period.due_at(self.zone)
            for contact in _find_recipients(ctx, project, listed, due):
                self._write_down(ctx, report, workspace, project, contact)

    def _has_turn(self, period: Period) -> bool:
        with self.read() as connection:
            return has_turn(connection, period)

    def _write_down(
        self, ctx: Context, report: Report, workspace: Workspace, project: Project, contact: ReportContact
    ) -> None:
        period, contact_id, project_id = report.period, contact.id or 0, project.id or 0
        send = Send(project_id, period.cadence.value, period.first.isoformat(), contact_id)
        if not add_send(ctx.session.connection(), send, ctx.now):
            return
        unsubscribe = self.links.make(Purpose.UNSUBSCRIBE, Subscription(contact_id, project_id))
        written = write_report(report, workspace.name, unsubscribe)
        payload = {"send": asdict(send), "to": contact.address, "unsubscribe": unsubscribe, **asdict(written)}
        connection = ctx.session.connection()
        enqueue(connection, DELIVER, payload, ctx.now, dedupe_key=send.key, workspace_id=workspace.id)


def read_project_report(ctx: Context, project: Project, workspace: Workspace, period: Period, zone: ZoneInfo) -> Report:
    """A project's report, as the plan of its workspace lets it be seen."""
    plan = ctx.site.plans.get(workspace.plan) or OPERATOR.plan
    owner = Caller(project.workspace_id, 0, Scope.READ, plan)
    return read_report(replace(ctx, caller=owner), project, period, zone)


def _find_and_count(
    ctx: Context, project_id: int, period: Period, zone: ZoneInfo
) -> tuple[Project, Workspace, Report] | None:
    project = ctx.session.get(Project, project_id)
    workspace = None if project is None else ctx.session.get(Workspace, project.workspace_id)
    if project is None or workspace is None or workspace.suspended_at is not None:
        return None
    return project, workspace, read_project_report(ctx, project, workspace, period, zone)


def _find_recipients(ctx: Context, project: Project, listed: list[str], due: datetime) -> list[ReportContact]:
    # Who says yes after a report was due gets the next one.
    mine = col(ReportContact.workspace_id) == project.workspace_id
    query = select(ReportContact).where(mine, col(ReportContact.address).in_(listed)).order_by(col(ReportContact.id))
    opted_out = select(ReportOptOut.contact_id).where(ReportOptOut.project_id == project.id)
    stopped = set(ctx.session.exec(opted_out))
    return [
        contact
        for contact in ctx.session.exec(query)
        if contact.gets_reports and contact.id not in stopped and (contact.confirmed_at or due) <= due
    ]


def _listed(project: Project, cadence: Cadence) -> str | None:
    return project.weekly_report_recipients if cadence is Cadence.WEEKLY else project.monthly_report_recipients
