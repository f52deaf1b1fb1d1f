"""Clicks of this month and the last, in UTC, for many projects or links at once."""

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import text

from shortmcp.core.analytics.calendar import earliest_day, number_of_day, shift_months
from shortmcp.core.analytics.models import ClickStats
from shortmcp.core.context import Context
from shortmcp.core.plans import Plan

Days = tuple[date, date]

_CURRENT, _PREVIOUS, _MONTH_BEFORE, _YEAR_BEFORE = range(4)
_OF_PROJECTS = (
    "SELECT {period} AS period, links.project_id AS owner, sum(link_days.total) AS total"
    " FROM links JOIN link_days ON link_days.link_id = links.id"
    " WHERE links.workspace_id = :workspace AND day >= :first_{period} AND day <= :last_{period}"
    " GROUP BY links.project_id"
)
_OF_LINKS = (
    "SELECT {period} AS period, links.id AS owner, sum(link_days.total) AS total"
    " FROM links JOIN link_days ON link_days.link_id = links.id"
    " WHERE links.workspace_id = :workspace AND links.project_id = :project"
    " AND day >= :first_{period} AND day <= :last_{period} GROUP BY links.id"
)


def stats_of_projects(ctx: Context) -> Callable[[int], ClickStats]:
    """The stats of each of the workspace's projects, by its id."""
    return _read_stats(ctx, _OF_PROJECTS, {})


def stats_of_links(ctx: Context, project_id: int) -> Callable[[int], ClickStats]:
    """The stats of each link of one of the workspace's projects, by its id."""
    return _read_stats(ctx, _OF_LINKS, {"project": project_id})


def percent_change(total: int, base: int | None) -> float | None:
    """By how many percent `total` differs from `base`; None where there is nothing to compare with."""
    return round((total - base) / base * 100, 1) if base else None


def choose_periods(today: date, plan: Plan) -> dict[int, Days]:
    """This month to today, the month before, and what this month is compared with, as far as the history reaches."""
    start = today.replace(day=1)
    history = earliest_day(today, plan.history) or date.min
    periods = {_CURRENT: (max(start, history), today)}
    previous, same_day = shift_months(start, -1), shift_months(today, -1)
    if previous and same_day:
        periods[_PREVIOUS] = (max(previous, history), start - timedelta(1))
        if previous >= history:
            periods[_MONTH_BEFORE] = (previous, same_day)
    last_year, same_day = shift_months(start, -12), shift_months(today, -12)
    if plan.compares_years and last_year and same_day:
        periods[_YEAR_BEFORE] = (last_year, same_day)
    return periods


def _read_stats(ctx: Context, query: str, which: dict[str, int]) -> Callable[[int], ClickStats]:
    periods = choose_periods(ctx.now.date(), ctx.caller.plan)
    values = {"workspace": ctx.caller.workspace_id, **which}
    for period, (first, last) in periods.items():
        values |= {f"first_{period}": number_of_day(first), f"last_{period}": number_of_day(last)}
    union = text(" UNION ALL ".join(query.format(period=period) for period in periods))
    totals = {(period, owner): total for period, owner, total in ctx.session.connection().execute(union, values)}

    def stats_of(owner: int) -> ClickStats:
        current = totals.get((_CURRENT, owner), 0)
        return ClickStats(
            current_month=current,
            previous_month=totals.get((_PREVIOUS, owner), 0),
            mom_change=percent_change(current, totals.get((_MONTH_BEFORE, owner))),
            yoy_change=percent_change(current, totals.get((_YEAR_BEFORE, owner))),
        )

    return stats_of
