"""The numbers of a report: a project's clicks in a period, as analytics count them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import col, select

from shortmcp.core.analytics.breakdowns import break_down
from shortmcp.core.analytics.calendar import Span, earliest_day, make_span, split_by_day
from shortmcp.core.analytics.counts import count_hours
from shortmcp.core.analytics.labels import name_value
from shortmcp.core.analytics.months import percent_change
from shortmcp.core.analytics.published import Ranking, rank_hosts
from shortmcp.core.analytics.tables import UNVERIFIED
from shortmcp.core.context import Context
from shortmcp.core.links.tables import Link
from shortmcp.core.projects import Project
from shortmcp.core.reports.periods import Period

TOP_LINKS: Final = 10
Value = TypeVar("Value", int, str)
_OF_PROJECT = (
    "SELECT l.id, sum(c.total) FROM links l JOIN {table} c ON c.link_id = l.id"
    " WHERE l.workspace_id = :workspace AND l.project_id = :project AND c.{unit} >= :start AND c.{unit} < :end"
    " GROUP BY l.id"
)
_DAYS = text(_OF_PROJECT.format(table="link_days", unit="day"))
_QUARTERS = text(_OF_PROJECT.format(table="link_quarters", unit="quarter"))


@dataclass(frozen=True, slots=True)
class TopLink:
    """One of the links with the most clicks; `address` is its short URL without the scheme."""

    title: str
    address: str
    total: int


@dataclass(frozen=True)
class Report:
    """A project's clicks in a period; bots are left out, and every list but `links` adds up to `total`.

    `first` is later than the period's where the plan's history begins later. `previous` is the period before's total,
    None where that begins before the history; `change` is in percent, None where there is nothing to compare with.
    `links` are those with the most clicks, of `active_links` that had any.
    """

    project: str
    period: Period
    first: date
    timezone: str
    total: int
    previous: int | None
    change: float | None
    days: list[tuple[date, int]]
    links: list[TopLink]
    active_links: int
    countries: Ranking
    referrers: Ranking


def read_report(ctx: Context, project: Project, period: Period, zone: ZoneInfo) -> Report:
    """Count a project's clicks in a period, within the history of the caller's plan."""
    earliest = earliest_day(ctx.now.astimezone(zone).date(), ctx.caller.plan.history) or date.min
    span = make_span(zone, max(period.first, earliest), max(period.last, earliest))
    totals = _count_links(ctx, project, span)
    before = period.before
    compares = before.first >= earliest
    previous = _count_links(ctx, project, make_span(zone, before.first, before.last)).total() if compares else None
    days, values = _break_down(ctx, totals, zone, span)
    return Report(
        project=project.name,
        period=period,
        first=span.first,
        timezone=zone.key,
        total=totals.total(),
        previous=previous,
        change=percent_change(totals.total(), previous),
        days=[(day, days[day]) for day in span.days],
        links=_name_links(ctx, _ranked(totals)[:TOP_LINKS]),
        active_links=len(totals),
        countries=[
            (None if code == UNVERIFIED else name_value("country", code), total)
            for code, total in _ranked(values["country"])
        ],
        referrers=rank_hosts(_ranked(values["referrer"])),
    )


def _count_links(ctx: Context, project: Project, span: Span) -> Counter[int]:
    pieces = split_by_day(span.start, span.end)
    ranges = [(_DAYS, pieces.first_day, pieces.end_day), *((_QUARTERS, start, end) for start, end in pieces.edges)]
    totals: Counter[int] = Counter()
    for query, start, end in ranges:
        values = {"workspace": project.workspace_id, "project": project.id, "start": start, "end": end}
        totals.update({link_id: int(total) for link_id, total in ctx.session.connection().execute(query, values)})
    return +totals


def _break_down(
    ctx: Context, links: Iterable[int], zone: ZoneInfo, span: Span
) -> tuple[Counter[date], dict[str, Counter[str]]]:
    # Link by link, through the functions that answer for one: their numbers are the same by construction.
    connection = ctx.session.connection()
    days: Counter[date] = Counter()
    values = {"country": Counter[str](), "referrer": Counter[str]()}
    for link_id in links:
        days.update(count_hours(connection, link_id, zone, span).days)
        found = break_down(connection, link_id, span)
        for dimension, counter in values.items():
            counter.update(dict(found[dimension]))
    return days, values


def _ranked(totals: Counter[Value]) -> list[tuple[Value, int]]:
    return sorted(totals.items(), key=lambda one: (-one[1], one[0]))


def _name_links(ctx: Context, ranked: list[tuple[int, int]]) -> list[TopLink]:
    query = select(Link.id, Link.title, Link.short_code, Link.domain)
    ids = [link_id for link_id, _ in ranked]
    found = {row[0]: row for row in ctx.session.exec(query.where(col(Link.id).in_(ids)))}
    return [
        TopLink(title, ctx.site.short_url(code, domain).partition("://")[2], total)
        for link_id, total in ranked
        for _, title, code, domain in [found[link_id]]
    ]
