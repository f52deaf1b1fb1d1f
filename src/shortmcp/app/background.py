"""The background work of a node, put together."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection
from sqlmodel import Session

from shortmcp.adapters.database import Database
from shortmcp.adapters.geoip import open_countries
from shortmcp.adapters.outbound import Outbound
from shortmcp.adapters.smtp import LogMailer, SmtpMailer, read_smtp_url
from shortmcp.app.node import Node
from shortmcp.app.reports import make_report_chore, make_report_duties
from shortmcp.app.safety import make_check_chores, make_check_duties
from shortmcp.clicks.enrich import Enricher
from shortmcp.clicks.ingest import Ingester, forget_visitors
from shortmcp.clicks.purge import purge_deleted_links, purge_history
from shortmcp.core.context import Site
from shortmcp.core.guesses import forget_guesses
from shortmcp.core.jobs import count_jobs
from shortmcp.core.mails import MAIL, MAIL_DELAYS, read_mail
from shortmcp.core.retries import forget_answers
from shortmcp.settings import Settings
from shortmcp.worker import Chore, Duty, JobRunner, Worker


class JobNumbers:
    """How many jobs wait and how many are dead, looked up now and then: a scrape must not wait for the database."""

    def __init__(self, database: Database) -> None:
        self.waiting = self.dead = 0
        self.late_seconds = 0.0
        self._database = database

    def refresh(self) -> None:
        """Look them up."""
        with self._database.read() as connection:
            self.waiting, self.dead, self.late_seconds = count_jobs(connection, datetime.now(UTC))


def make_worker(node: Node) -> tuple[Worker, Ingester]:
    """The background work of a node; one process of the machine does it, the others wait to take over."""
    settings, database = node.settings, node.database
    ingester = Ingester(
        settings.journal_dir,
        Enricher(open_countries(settings.geoip)),
        partial(database.write, durable=True),
        lambda: time.time_ns() // 1_000_000,
    )
    chores = [
        Chore("ingest", 0.2, ingester.run),
        Chore("purge", 1.0, lambda: purge_deleted_links(database.write)),
        Chore("forget visitors", 600.0, lambda: _until_done(database, forget_visitors)),
        Chore("forget guesses", 600.0, lambda: _until_done(database, forget_guesses)),
        Chore("retention", 60.0, lambda: purge_history(database.read, database.write, _history(node.site))),
        Chore("forget answers", 600.0, lambda: _forget_answers(database)),
        Chore("checkpoint", 2.0, database.checkpoint),
        *make_check_chores(node),
        make_report_chore(node),
    ]
    return Worker(chores, settings.journal_dir / ".leader"), ingester


def make_job_runner(node: Node) -> JobRunner:
    """What runs the jobs of an instance; every process may have one, they share the work."""
    mailer = make_mailer(node.settings)
    duties = {
        MAIL: Duty(lambda job: mailer.send(read_mail(job)), MAIL_DELAYS),
        **make_check_duties(node),
        **make_report_duties(node, mailer),
    }
    return JobRunner(node.database.read, node.database.write, duties, lambda: datetime.now(UTC))


def make_mailer(settings: Settings) -> SmtpMailer | LogMailer:
    """What sends mails; without a mail server they are logged."""
    if not settings.smtp_url:
        return LogMailer()
    return SmtpMailer(read_smtp_url(settings.smtp_url), settings.sender)


def make_outbound(settings: Settings, *, allow_private: bool = False) -> Outbound:
    """The way out for HTTP requests; `allow_private` for URLs that the operator has set."""
    return Outbound(allow_private=allow_private, proxy=settings.outbound_proxy)


def _until_done(database: Database, step: Callable[[Connection, int], int]) -> None:
    gone = 1
    while gone:
        with database.write() as connection:
            gone = step(connection, time.time_ns() // 1_000_000)


def _forget_answers(database: Database) -> None:
    gone = 1
    while gone:
        with database.write() as connection, Session(connection) as session:
            gone = forget_answers(session, datetime.now(UTC))


def _history(site: Site) -> Mapping[str, int]:
    today = time.time_ns() // 86_400_000_000_000
    kept = {name: plan.kept_days for name, plan in site.plans.items()}
    return {name: today - days for name, days in kept.items() if days is not None}
