"""The numbers of a report are those that analytics give for the same days."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from shortmcp.core.analytics.answers import get_link_analytics, get_project_analytics
from shortmcp.core.analytics.models import LinkAnalytics, LinkAnalyticsQuery
from shortmcp.core.context import Context
from shortmcp.core.links.tables import Link
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.projects import Project, ProjectRef, find_project
from shortmcp.core.reports.numbers import read_report
from shortmcp.core.reports.periods import Cadence, Period, period_before
from visits import make_visits, store_visits

JULY = datetime(2026, 7, 1, 7, tzinfo=UTC)
SPRING, SUMMER = datetime(2026, 4, 25, tzinfo=UTC), datetime(2026, 7, 3, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def busy(context: Context) -> Context:
    """`launch` and eleven more links with clicks in project `one`, and one of another project."""
    other = Project(workspace_id=context.caller.workspace_id, name="B", slug="b", created_at=JULY, updated_at=JULY)
    context.session.add(other)
    context.session.flush()
    random, one = Random(20260701), find_project(context, "one")  # noqa: S311 - clicks, not keys
    for number in range(12):
        project = other if number == 0 else one
        add_link(context, project, f"link-{number}")
        store_visits(context, make_visits(random, 40 + 25 * number, SPRING, SUMMER), code=f"link-{number}")
    store_visits(context, make_visits(random, 300, SPRING, SUMMER))
    return replace(context, now=JULY)


def add_link(context: Context, project: Project, code: str) -> None:
    link = Link(
        workspace_id=context.caller.workspace_id,
        project_id=project.id or 0,
        short_code=code,
        original_url="https://example.com/",
        title=f"The title of {code}",
        created_at=JULY,
        updated_at=JULY,
    )
    context.session.add(link)
    context.session.flush()


def analytics_of_links(context: Context, period: Period, zone: str) -> dict[str, LinkAnalytics]:
    links = get_project_analytics(context, ProjectRef(project="one")).links
    asked = {"dateFrom": period.first.isoformat(), "dateTo": period.last.isoformat(), "timezone": zone}
    return {
        link.short_code: get_link_analytics(
            context, LinkAnalyticsQuery.model_validate({"short_code": link.short_code, **asked})
        )
        for link in links
    }


def added(pairs: Iterable[tuple[str | None, int]]) -> dict[str | None, int]:
    totals: Counter[str | None] = Counter()
    for name, total in pairs:
        totals[name] += total
    return dict(totals)


@pytest.mark.parametrize("cadence", Cadence)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "Asia/Kathmandu", "America/St_Johns"])
def test_every_number_is_what_the_analytics_of_the_links_add_up_to(busy: Context, cadence: Cadence, zone: str) -> None:
    period = period_before(cadence, date(2026, 7, 1))
    report = read_report(busy, find_project(busy, "one"), period, ZoneInfo(zone))
    links = analytics_of_links(busy, period, zone)
    assert report.total == sum(one.period_stats.total for one in links.values()) > 100
    assert [(day.isoformat(), total) for day, total in report.days] == list(
        added((day.date, day.total) for one in links.values() for day in one.days).items()
    )
    assert {name or "Unverified": total for name, total in report.countries} == added(
        (country.label, country.total) for one in links.values() for country in one.countries
    )
    assert dict(report.referrers) == added(
        (urlsplit(referrer.referrer).hostname, referrer.total) for one in links.values() for referrer in one.referrers
    )
    totals = {f"short.test/{code}": one.period_stats.total for code, one in links.items()}
    shown = {link.address: link.total for link in report.links}
    assert (report.active_links, len(shown)) == (12, 10)
    assert shown.items() <= totals.items()
    assert sorted(shown.values(), reverse=True) == sorted(totals.values(), reverse=True)[:10] == list(shown.values())
    before = analytics_of_links(busy, period.before, zone)
    assert report.previous == sum(one.period_stats.total for one in before.values())
    lists = (report.days, report.countries, report.referrers)
    assert [sum(total for _, total in one) for one in lists] == [report.total] * 3


def test_a_month_is_the_project_s_month_in_analytics(busy: Context) -> None:
    report = read_report(busy, find_project(busy, "one"), period_before(Cadence.MONTHLY, date(2026, 7, 1)), UTC_ZONE)
    links = get_project_analytics(busy, ProjectRef(project="one")).links
    assert report.total == sum(link.stats.previous_month for link in links)
    assert report.change == round(100 * (report.total - (report.previous or 0)) / (report.previous or 1), 1)


def test_a_plan_s_history_bounds_a_report_as_it_bounds_analytics(busy: Context) -> None:
    free = replace(busy, now=JULY + timedelta(days=3), caller=replace(busy.caller, plan=DEFAULT_PLANS["free"]))
    period = period_before(Cadence.MONTHLY, date(2026, 7, 1))
    report = read_report(free, find_project(free, "one"), period, UTC_ZONE)
    links = get_project_analytics(free, ProjectRef(project="one")).links
    assert (report.first, report.previous, report.change) == (date(2026, 6, 4), None, None)
    assert report.total == sum(link.stats.previous_month for link in links)
    assert sum(total for _, total in report.days) == report.total
    week = read_report(free, find_project(free, "one"), period_before(Cadence.WEEKLY, date(2026, 7, 1)), UTC_ZONE)
    assert (week.first, week.previous is None) == (date(2026, 6, 22), False)


def test_a_project_without_clicks_has_a_report_of_nothing(context: Context) -> None:
    report = read_report(
        context, find_project(context, "one"), period_before(Cadence.WEEKLY, date(2026, 6, 8)), UTC_ZONE
    )
    assert (report.total, report.previous, report.change, report.links, report.countries) == (0, 0, None, [], [])
    assert [total for _, total in report.days] == [0] * 7
