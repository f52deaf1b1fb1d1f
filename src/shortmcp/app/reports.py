"""Reports by mail, put together."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from shortmcp.app.node import Node
from shortmcp.catalog import CONFIRM_REPORTS, SHOW_SUBSCRIPTION, UNSUBSCRIBE
from shortmcp.core.context import RECIPIENT, VISITOR, Work
from shortmcp.core.jobs import enqueue
from shortmcp.core.mails import MAIL_DELAYS, Mailer
from shortmcp.core.recipients import INVITE
from shortmcp.core.reports.inviting import Inviter
from shortmcp.core.reports.links import ReportLinks
from shortmcp.core.reports.making import DELIVER, ROUND, ReportMaker
from shortmcp.core.reports.scheduling import REPORT
from shortmcp.core.reports.sending import ReportSender
from shortmcp.faces.reports import ReportFace
from shortmcp.worker import Chore, Duty

# How often it is made sure that the rounds go on.
ROUNDS_SECONDS = 60.0


def make_report_links(node: Node) -> ReportLinks:
    """What makes and reads the addresses in mails."""
    return ReportLinks(node.site.base_url, node.key("reports"))


def _now() -> datetime:
    return datetime.now(UTC)


def make_report_duties(node: Node, mailer: Mailer, clock: Callable[[], datetime] = _now) -> Mapping[str, Duty]:
    """How jobs behind reports are done."""
    database, links, most = node.database, make_report_links(node), node.settings.report_mails
    durable = partial(database.write, durable=True)
    zone = ZoneInfo(node.settings.report_timezone)
    work = replace(node.work(), clock=clock)
    maker = ReportMaker(database.read, durable, work, links, zone, clock)
    return {
        ROUND: Duty(maker.round),
        REPORT: Duty(maker.make),
        DELIVER: Duty(ReportSender(durable, mailer, most, clock).deliver, MAIL_DELAYS),
        INVITE: Duty(Inviter(database.read, durable, mailer, links, most, clock).invite, MAIL_DELAYS),
    }


def make_report_chore(node: Node) -> Chore:
    """What has to come again and again for the rounds to go on."""
    return Chore("report rounds", ROUNDS_SECONDS, lambda: _ensure_rounds(node))


def make_report_face(node: Node, work: Work) -> ReportFace:
    """The pages by which recipients say yes or no."""
    return ReportFace(
        make_report_links(node),
        partial(SHOW_SUBSCRIPTION.perform, work, VISITOR),
        partial(CONFIRM_REPORTS.perform, work, RECIPIENT),
        partial(UNSUBSCRIBE.perform, work, RECIPIENT),
    )


def _ensure_rounds(node: Node) -> None:
    # One job for the whole instance, however many machines it has: it postpones itself and never ends.
    with node.database.write() as connection:
        enqueue(connection, ROUND, {}, _now(), dedupe_key=ROUND)
