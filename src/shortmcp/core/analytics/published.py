"""What everybody may see of a link's clicks, where its owner wants it so."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from shortmcp.core.analytics.answers import get_link_analytics
from shortmcp.core.analytics.models import LinkAnalytics, LinkAnalyticsQuery, ValueClicks
from shortmcp.core.analytics.tables import UNVERIFIED
from shortmcp.core.context import Caller, Context, Scope
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.links.finding import find_visited
from shortmcp.core.links.tables import Link
from shortmcp.core.totals import read_total
from shortmcp.core.workspaces import Workspace

PUBLISHED_DAYS = 30

# (name, clicks), the largest first; the name is None for what is not known.
Ranking = list[tuple[str | None, int]]


class VisitorLinkRef(BaseModel):
    """Which link a visitor named: its code, and the name of its domain, empty for the instance's own."""

    model_config = ConfigDict(extra="forbid")

    short_code: str
    domain: str


@dataclass(frozen=True)
class PublishedStatistics:
    """A link's clicks of the last 30 UTC days, and in all; robots are left out.

    `title` is what the owner shows in previews. `days` has every day in order, with its clicks. Of referrers only the
    host is told.
    """

    short_url: str
    title: str | None
    generated_at: datetime
    clicks: int
    visitors: int
    clicks_in_all: int
    days: list[tuple[date, int]]
    countries: Ranking
    referrers: Ranking
    devices: Ranking
    browsers: Ranking


def show_statistics(ctx: Context, ref: VisitorLinkRef) -> PublishedStatistics:
    """Show a link's statistics to a visitor; NOT_FOUND unless its owner shows them to everybody."""
    link = find_visited(ctx, ref.short_code, ref.domain)
    workspace = ctx.session.get(Workspace, link.workspace_id)
    plan = None if workspace is None else ctx.site.plans.get(workspace.plan)
    if not link.analytics_public or plan is None:
        raise OperationError(Code.NOT_FOUND, "There are no public statistics of this link.")
    owner = replace(ctx, caller=Caller(link.workspace_id, 0, Scope.READ, plan))
    today = ctx.now.date()
    asked = LinkAnalyticsQuery.model_validate(
        {
            "short_code": link.short_code,
            "domain": link.domain or ctx.site.host,
            "dateFrom": (today - timedelta(PUBLISHED_DAYS - 1)).isoformat(),
            "dateTo": today.isoformat(),
        }
    )
    return _publish(owner, link, get_link_analytics(owner, asked))


def rank_hosts(referrers: Iterable[tuple[str, int]]) -> Ranking:
    """Referrers with their clicks, by host alone."""
    totals = Counter[str | None]()
    for referrer, total in referrers:
        totals[urlsplit(referrer).hostname] += total
    return totals.most_common()


def _publish(ctx: Context, link: Link, analytics: LinkAnalytics) -> PublishedStatistics:
    # What a password protects is not told, and a blocked link gets no words of its owner on our page.
    hides_title = link.password_hash is not None or link.blocked_at is not None
    return PublishedStatistics(
        short_url=ctx.site.short_url(link.short_code, link.domain),
        title=None if hides_title else link.og_title,
        generated_at=ctx.now,
        clicks=analytics.period_stats.total,
        visitors=analytics.period_stats.unique_clicks,
        clicks_in_all=read_total(ctx, link.id or 0).clicks,
        days=[(date.fromisoformat(day.date), day.total) for day in analytics.days],
        countries=_named(analytics.countries),
        referrers=rank_hosts((one.referrer, one.total) for one in analytics.referrers),
        devices=_named(analytics.devices),
        browsers=_named(analytics.browsers),
    )


def _named(values: list[ValueClicks]) -> Ranking:
    return [(None if value.code == UNVERIFIED else value.label, value.total) for value in values]
