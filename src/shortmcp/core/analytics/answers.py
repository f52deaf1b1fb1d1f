"""The analytics operations: a workspace's projects, a project's links, and one link in a period."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from shortmcp.core.analytics.breakdowns import break_down
from shortmcp.core.analytics.calendar import Span, choose_days, earliest_day, make_span, read_zone, shift_span
from shortmcp.core.analytics.counts import LocalCounts, count_hours, count_total, count_uniques
from shortmcp.core.analytics.labels import name_value
from shortmcp.core.analytics.models import (
    AnalyzedLink,
    AnalyzedProject,
    DayClicks,
    HourClicks,
    LinkAnalytics,
    LinkAnalyticsQuery,
    LinkStats,
    PeriodStats,
    ProjectAnalytics,
    ProjectStats,
    ReferrerClicks,
    ValueClicks,
    WeekdayClicks,
    WorkspaceAnalytics,
)
from shortmcp.core.analytics.months import percent_change, stats_of_links, stats_of_projects
from shortmcp.core.context import Context
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.tables import Link
from shortmcp.core.projects import Project, ProjectRef, find_project
from shortmcp.core.usage import NoInput

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def get_workspace_analytics(ctx: Context, query: NoInput) -> WorkspaceAnalytics:
    """Compare this month's clicks with last month's, and with last year's, for every project of the workspace.

    Months are in UTC. Use get_project_analytics for the links of one project, get_link_analytics for one link in
    detail or for other days.
    """
    mine = select(Project).where(Project.workspace_id == ctx.caller.workspace_id).order_by(col(Project.id))
    stats_of = stats_of_projects(ctx)
    projects = [
        ProjectStats(id=project.id or 0, name=project.name, slug=project.slug, stats=stats_of(project.id or 0))
        for project in ctx.session.exec(mine)
    ]
    return WorkspaceAnalytics(generated_at=ctx.now, projects=projects)


def get_project_analytics(ctx: Context, ref: ProjectRef) -> ProjectAnalytics:
    """Compare this month's clicks with last month's, and with last year's, for every link of a project.

    Months are in UTC; the newest link comes first. Use get_link_analytics for one link in detail or for other days,
    get_workspace_analytics for all projects.
    """
    project = find_project(ctx, ref.project)
    stats_of = stats_of_links(ctx, project.id or 0)
    # Columns alone: a project may have tens of thousands of links.
    fields = select(Link.id, Link.short_code, Link.title, Link.original_url)
    mine = fields.where(Link.workspace_id == ctx.caller.workspace_id, Link.project_id == project.id)
    links = [
        LinkStats(id=link_id or 0, short_code=code, title=title, original_url=url, stats=stats_of(link_id or 0))
        for link_id, code, title, url in ctx.session.exec(mine.order_by(col(Link.id).desc()))
    ]
    shown = AnalyzedProject(id=project.id or 0, name=project.name, slug=project.slug)
    return ProjectAnalytics(generated_at=ctx.now, project=shown, links=links)


def get_link_analytics(ctx: Context, query: LinkAnalyticsQuery) -> LinkAnalytics:
    """Count a link's clicks from `dateFrom` to `dateTo` in a time zone: total, days, hours, weekdays, and by referrer,
    country, language, device, operating system and browser.

    Compares the total with the same days a month before and a year before. Without dates it covers this month to
    today. Days outside the plan's history are left out, and an answer covers at most 3,653 days. Refuses an unknown
    time zone, a malformed date and a period that is empty or lies before the history. Use get_project_analytics for
    all links of a project at once.
    """
    zone = read_zone(query.timezone)
    today = ctx.now.astimezone(zone).date()
    first, last = choose_days(query.date_from, query.date_to, today, ctx.caller.plan.history)
    link, span = find_link(ctx, query), make_span(zone, first, last)
    counts = count_hours(ctx.session.connection(), link.id or 0, zone, span)
    values = break_down(ctx.session.connection(), link.id or 0, span)
    shown = AnalyzedLink(id=link.id or 0, short_code=link.short_code, title=link.title, original_url=link.original_url)
    return LinkAnalytics(
        generated_at=ctx.now,
        link=shown,
        date_from=first.isoformat(),
        date_to=last.isoformat(),
        timezone=query.timezone,
        period_stats=_period_stats(ctx, link.id or 0, zone, span, counts),
        days=_days(counts, span),
        referrers=[ReferrerClicks(referrer=value, total=total) for value, total in values["referrer"]],
        countries=_values("country", values),
        languages=_values("language", values),
        devices=_values("device", values),
        operating_systems=_values("os", values),
        browsers=_values("browser", values),
        day_of_week=_weekdays(counts),
        hours=_hours(counts),
    )


def _period_stats(ctx: Context, link_id: int, zone: ZoneInfo, span: Span, counts: LocalCounts) -> PeriodStats:
    earliest = earliest_day(ctx.now.astimezone(zone).date(), ctx.caller.plan.history)
    total = counts.total
    previous = _total_within(ctx, link_id, shift_span(zone, span, -1), earliest)
    compares_years = ctx.caller.plan.compares_years
    last_year = _total_within(ctx, link_id, shift_span(zone, span, -12), earliest) if compares_years else None
    return PeriodStats(
        total=total,
        unique_clicks=count_uniques(ctx.session.connection(), link_id, span),
        bots=counts.bots,
        previous_total=previous,
        mom_change=percent_change(total, previous),
        previous_out_of_range=previous is None,
        yoy_total=last_year,
        yoy_change=percent_change(total, last_year),
        yoy_out_of_range=last_year is None if compares_years else None,
    )


def _total_within(ctx: Context, link_id: int, span: Span | None, earliest: date | None) -> int | None:
    if span is None or (earliest is not None and span.first < earliest):
        return None
    return count_total(ctx.session.connection(), link_id, span)


def _days(counts: LocalCounts, span: Span) -> list[DayClicks]:
    return [DayClicks(date=day.isoformat(), total=counts.days[day]) for day in span.days]


def _values(dimension: str, values: Mapping[str, list[tuple[str, int]]]) -> list[ValueClicks]:
    ranked = values[dimension]
    whole = sum(total for _, total in ranked)
    return [
        ValueClicks(code=code, label=name_value(dimension, code), total=total, pct=_share(total, whole))
        for code, total in ranked
    ]


def _weekdays(counts: LocalCounts) -> list[WeekdayClicks]:
    totals: Counter[int] = Counter()
    for day, total in counts.days.items():
        totals[day.weekday()] += total
    return [
        WeekdayClicks(day=_WEEKDAYS[weekday], total=total, pct=_share(total, counts.total))
        for weekday, total in _ranked(totals)
    ]


def _hours(counts: LocalCounts) -> list[HourClicks]:
    whole = counts.total
    return [
        HourClicks(hour=f"{hour:02}:00", total=total, pct=_share(total, whole)) for hour, total in _ranked(counts.hours)
    ]


def _ranked(totals: Counter[int]) -> list[tuple[int, int]]:
    return sorted(((value, total) for value, total in totals.items() if total), key=lambda one: (-one[1], one[0]))


def _share(total: int, whole: int) -> float:
    return round(100 * total / whole, 1)
