"""The five numbers of a link: in all, and in the UTC day, week and month that it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.core.context import Caller, Scope, Site
from shortmcp.core.links.models import LinkCreate, LinkDetails, LinkRef
from shortmcp.core.links.operations import create_short_link, get_short_link
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.usage import Meter
from shortmcp.core.welcome import set_up

OWNER = Caller(1, 1, Scope.WRITE, DEFAULT_PLANS["unlimited"])
SITE = Site("https://sho.rt", frozenset(), DEFAULT_PLANS)
SUNDAY = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
Show = Callable[[datetime], LinkDetails]


@pytest.fixture
def show(database: Database) -> Show:
    """A link that has had a click on each day of 2026, and a robot, as it is shown at some moment."""
    work = SqlWork(database, SITE, Meter(), lambda _: None)
    set_up(work)
    with work.begin(OWNER, Scope.WRITE) as ctx:
        link = create_short_link(ctx, LinkCreate(original_url="https://example.com/", title="x", short_code="own"))
        first = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
        days = [{"link": link.id, "day": first + number} for number in range(365)]
        connection = ctx.session.connection()
        connection.execute(text("INSERT INTO link_days VALUES (:link, :day, 10, 7, 3)"), days)
        connection.execute(text("INSERT INTO link_totals VALUES (:link, 4000, 3000, 1000)"), {"link": link.id})

    def show(now: datetime) -> LinkDetails:
        with replace(work, clock=lambda: now).begin(OWNER, Scope.READ) as ctx:
            return get_short_link(ctx, LinkRef(short_code="own"))

    return show


@pytest.mark.parametrize(
    ("now", "week", "month"),
    [
        (SUNDAY, 70, 10),
        (SUNDAY + timedelta(seconds=1), 10, 20),
        (datetime(2026, 3, 31, 12, tzinfo=UTC), 20, 310),
        (datetime(2026, 1, 1, tzinfo=UTC), 10, 10),
        # On New Year's Day a Friday's week began in the year before.
        (datetime(2027, 1, 1, tzinfo=UTC), 40, 0),
    ],
)
def test_weeks_begin_on_monday_and_months_on_the_first_in_utc(show: Show, now: datetime, week: int, month: int) -> None:
    assert show(now).analytics.model_dump() == {
        "total_clicks": 4000,
        "unique_clicks": 3000,
        "clicks_today": 10 if now.year == 2026 else 0,
        "clicks_this_week": week,
        "clicks_this_month": month,
    }


def test_a_link_that_nobody_followed_has_five_zeros(database: Database) -> None:
    work = SqlWork(database, SITE, Meter(), lambda _: None)
    set_up(work)
    with work.begin(OWNER, Scope.WRITE) as ctx:
        create_short_link(ctx, LinkCreate(original_url="https://example.com/", title="x", short_code="own"))
        shown = get_short_link(ctx, LinkRef(short_code="own"))
    assert set(shown.analytics.model_dump().values()) == {0}
