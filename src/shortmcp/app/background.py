"""The background work of a node, put together."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from shortmcp.adapters.database import Database
from shortmcp.adapters.geoip import open_countries
from shortmcp.adapters.outbound import Outbound
from shortmcp.adapters.smtp import LogMailer, SmtpMailer, read_smtp_url
from shortmcp.app.node import Node
from shortmcp.app.reports import make_report_chore, make_report_duties
from shortmcp.app.safety import make_check_chores, make_check_duties
from shortmcp.app.webhooks import make_delivery_runner, make_webhook_chores
from shortmcp.clicks.enrich import Enricher
from shortmcp.clicks.ingest import Ingester
from shortmcp.clicks.live import LiveClicks
from shortmcp.clicks.purge import purge_deleted_links, purge_history
from shortmcp.clicks.salts import forget_visitors
from shortmcp.core.context import Site
from shortmcp.core.guesses import forget_guesses
from shortmcp.core.jobs import count_jobs
from shortmcp.core.mails import MAIL, MAIL_DELAYS, read_mail
from shortmcp.core.pastes.visits import purge_expired_texts
from shortmcp.core.retries import forget_answers
from shortmcp.core.secrets.purging import destroy_expired, forget_ended, has_expired
from shortmcp.core.webhooks.clicks import ClickAudience
from shortmcp.core.webhooks.queue import count_deliveries
from shortmcp.settings import Settings
from shortmcp.worker import Chore, Duty, JobRunner, Runner, Turn, Worker

# Of the journal: some thousand clicks.
MUCH_BYTES = 1_000_000


class JobNumbers:
    """How many jobs and deliveries wait, and for how long, looked up now and then.

    A scrape must not wait for the database.
    """

    def __init__(self, database: Database) -> None:
        self.waiting = self.dead = self.deliveries = 0
        self.late_seconds = self.deliveries_late_seconds = 0.0
        self._database = database

    def refresh(self) -> None:
        """Look them up."""
        with self._database.read() as connection:
            now = datetime.now(UTC)
            self.waiting, self.dead, self.late_seconds = count_jobs(connection, now)
            self.deliveries, self.deliveries_late_seconds = count_deliveries(connection, now)


def make_worker(node: Node, live: LiveClicks | None = None) -> tuple[Worker, Ingester]:
    """The background work of a node; one process of the machine does it, the others wait to take over."""
    settings, database = node.settings, node.database
    ingester = Ingester(
        settings.journal_dir,
        Enricher(open_countries(settings.geoip)),
        partial(database.write, durable=True),
        lambda: time.time_ns() // 1_000_000,
        ClickAudience(node.site, lambda: datetime.now(UTC)),
        committed=live.add if live is not None else lambda _: None,
    )
    chores = [
        Chore("ingest", 0.2, lambda: _ingest(ingester)),
        # Pauses leave other writers their turns.
        Chore("purge", 1.0, lambda: _more_if(purge_deleted_links(database.write)), pause=0.1),
        Chore("forget visitors", 600.0, lambda: _until_done(database, forget_visitors)),
        Chore("forget guesses", 600.0, lambda: _until_done(database, forget_guesses)),
        Chore("retention", 60.0, lambda: _purge_history(node), pause=1.0),
        Chore("destroy expired secrets", 5.0, lambda: _destroy_expired_secrets(database)),
        Chore("forget secrets", 600.0, lambda: _until_done(database, _in_microseconds(forget_ended))),
        Chore("forget answers", 600.0, lambda: _forget_answers(database)),
        Chore("purge texts", 60.0, lambda: _until_done(database, purge_expired_texts)),
        Chore("checkpoint", 2.0, database.checkpoint),
        *make_check_chores(node),
        *make_webhook_chores(node),
        make_report_chore(node),
        *([] if live is None else [Chore("live clicks", 0.2, live.run)]),
    ]
    return Worker(chores, settings.journal_dir / ".leader"), ingester


def count_journal(node: Node) -> Ingester:
    """Count what waits in this node's click journal, before anybody serves; the ingester knows how much it was."""
    _, ingester = make_worker(node)
    while ingester.run():
        pass
    return ingester


def make_runners(node: Node) -> Sequence[Runner[Any]]:
    """What runs jobs and sends deliveries; every process may have them, they share the work."""
    return make_job_runner(node), make_delivery_runner(node)


def make_job_runner(node: Node) -> JobRunner:
    """What runs the jobs of an instance."""
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


def _ingest(ingester: Ingester) -> Turn | None:
    # Where so much has come in one turn, as much has come during it.
    return _more_if(ingester.run() >= MUCH_BYTES)


def _purge_history(node: Node) -> Turn | None:
    database = node.database
    return _more_if(purge_history(database.read, database.write, _history(node.site)))


def _more_if(something: int) -> Turn | None:
    return Turn.MORE if something else None


def _until_done(database: Database, step: Callable[[Connection, int], int], *, erases: bool = False) -> None:
    gone = 1
    while gone:
        with database.write(durable=erases) as connection:
            gone = step(connection, time.time_ns() // 1_000_000)
    if erases:
        database.erase_log()


def _in_microseconds(step: Callable[[Connection, int], int]) -> Callable[[Connection, int], int]:
    return lambda connection, now: step(connection, now * 1000)


def _destroy_expired_secrets(database: Database) -> None:
    # A read first: there is only one writer on SQLite, and nearly always nothing to do.
    with database.read() as connection:
        due = has_expired(connection, time.time_ns() // 1000)
    if due:
        _until_done(database, _in_microseconds(destroy_expired), erases=True)
    database.erase_if_due()


def _forget_answers(database: Database) -> None:
    gone = 1
    while gone:
        with database.write() as connection, Session(connection) as session:
            gone = forget_answers(session, datetime.now(UTC))


def _history(site: Site) -> Mapping[str, int]:
    today = time.time_ns() // 86_400_000_000_000
    kept = {name: plan.kept_days for name, plan in site.plans.items()}
    return {name: today - days for name, days in kept.items() if days is not None}
