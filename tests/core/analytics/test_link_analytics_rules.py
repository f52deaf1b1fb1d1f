"""What a link's analytics accept, default to, refuse and leave out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shortmcp.core.analytics.answers import get_link_analytics
from shortmcp.core.analytics.models import LinkAnalytics, LinkAnalyticsQuery
from shortmcp.core.analytics.pieces import REMEMBERED_FROM
from shortmcp.core.analytics.tables import DIMENSIONS
from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.plans import DEFAULT_PLANS, Plan

LISTS = ("countries", "languages", "devices", "operating_systems", "browsers")
Store = Callable[..., None]


def test_without_dates_this_month_is_counted_up_to_today(context: Context) -> None:
    late = replace(context, now=datetime(2026, 5, 31, 22, 30, tzinfo=UTC))

    assert _dates(_ask(late)) == ("2026-05-01", "2026-05-31", "UTC")
    assert _dates(_ask(late, timezone="Europe/Vienna")) == ("2026-06-01", "2026-06-01", "Europe/Vienna")


def test_a_link_without_clicks_has_zeros_for_its_days_and_no_breakdown(context: Context) -> None:
    answer = _ask(context, dateFrom="2026-06-06", dateTo="2026-06-07")

    assert answer.model_dump(mode="json") == {
        "generated_at": "2026-06-07T14:30:00+00:00",
        "link": {
            "id": answer.link.id,
            "short_code": "launch",
            "title": "Launch link",
            "original_url": "https://example.com/",
        },
        "date_from": "2026-06-06",
        "date_to": "2026-06-07",
        "timezone": "UTC",
        "period_stats": {
            "total": 0,
            "unique_clicks": 0,
            "bots": 0,
            "previous_total": 0,
            "mom_change": None,
            "previous_out_of_range": False,
            "yoy_total": 0,
            "yoy_change": None,
            "yoy_out_of_range": False,
        },
        "days": [{"date": "2026-06-06", "total": 0}, {"date": "2026-06-07", "total": 0}],
        "referrers": [],
        "countries": [],
        "languages": [],
        "devices": [],
        "operating_systems": [],
        "browsers": [],
        "day_of_week": [],
        "hours": [],
    }


def test_a_click_at_midnight_belongs_to_the_day_that_begins(context: Context, store_visits: Store) -> None:
    midnight = datetime(2026, 6, 5, 22, tzinfo=UTC)
    store_visits(context, [_visit(midnight), _visit(midnight - timedelta(milliseconds=1))])

    answer = _ask(context, dateFrom="2026-06-05", dateTo="2026-06-06", timezone="Europe/Vienna")

    assert [(day.date, day.total) for day in answer.days] == [("2026-06-05", 1), ("2026-06-06", 1)]
    assert _ask(context, dateFrom="2026-06-06", timezone="Europe/Vienna").period_stats.total == 1


def test_values_have_the_names_that_people_know(context: Context, store_visits: Store) -> None:
    known = _visit(context.now, country="AT", language="de", device="mobile", os="ios", browser="duckduckgo")
    store_visits(context, [known, _visit(context.now)])

    answer = _ask(context)

    shown = {name: [value.label for value in getattr(answer, name)] for name in LISTS}
    assert shown == {
        "countries": ["Austria", "Unverified"],
        "languages": ["German", "Unverified"],
        "devices": ["Mobile", "Unverified"],
        "operating_systems": ["iOS", "Unverified"],
        "browsers": ["DuckDuckGo", "Unverified"],
    }
    assert answer.countries[0].model_dump() == {"code": "AT", "label": "Austria", "total": 1, "pct": 50.0}


def test_another_links_clicks_are_not_counted(context: Context, store_visits: Store) -> None:
    store_visits(context, [_visit(context.now)], link_id=987_654)

    assert _ask(context, timezone="Asia/Kathmandu").period_stats.total == 0


def test_a_later_click_is_counted_in_a_piece_that_was_remembered(context: Context, store_visits: Store) -> None:
    edge = datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
    first = [_visit(edge, visitor=number, country="AT") for number in range(REMEMBERED_FROM)]
    store_visits(context, first)
    asked = {"timezone": "Europe/Vienna"}
    assert _ask(context, **asked) == _ask(context, **asked)

    store_visits(context, [*first, _visit(edge, visitor=7, country="DE")], stored=len(first))

    answer = _ask(context, **asked)
    assert [(value.code, value.total) for value in answer.countries] == [("AT", REMEMBERED_FROM), ("DE", 1)]
    assert answer.period_stats.unique_clicks == REMEMBERED_FROM


def test_a_plan_with_two_years_of_history_says_what_lies_outside_of_it(context: Context) -> None:
    pro = _on_plan(context, DEFAULT_PLANS["pro"])

    stats = _ask(pro, dateFrom="0001-01-01", dateTo="2023-05-20").period_stats.model_dump()

    assert _ask(pro, dateFrom="0001-01-01", dateTo="2023-05-20").date_from == "2023-05-07"
    assert (stats["previous_out_of_range"], stats["previous_total"]) == (True, None)
    assert (stats["yoy_out_of_range"], stats["yoy_total"], stats["yoy_change"]) == (True, None, None)


def test_a_plan_with_a_short_history_compares_no_years(context: Context) -> None:
    basic = _on_plan(context, DEFAULT_PLANS["basic"])

    stats = _ask(basic, dateFrom="2026-05-01").period_stats.model_dump()

    assert (stats["previous_out_of_range"], stats["previous_total"]) == (False, 0)
    assert (stats["yoy_out_of_range"], stats["yoy_total"], stats["yoy_change"]) == (None, None, None)


def test_days_before_the_history_are_refused_naming_date_to(context: Context) -> None:
    with pytest.raises(OperationError) as refusal:
        _ask(_on_plan(context, DEFAULT_PLANS["free"]), dateTo="2026-05-07")

    assert refusal.value.errors == {"dateTo": ["`dateTo` lies before the plan's history, which begins on 2026-05-08."]}


@pytest.mark.parametrize(
    "asked", [("0001-01-01", "9999-12-31"), ("0001-01-01", "0001-01-01"), ("1969-12-01", "1970-01-31")]
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_any_year_is_answered(context: Context, asked: tuple[str, str], zone: str) -> None:
    answer = _ask(context, dateFrom=asked[0], dateTo=asked[1], timezone=zone)

    assert answer.period_stats.total == 0
    assert len(answer.days) <= 3_653


def test_another_workspaces_link_is_not_found(context: Context) -> None:
    other = replace(context, caller=replace(context.caller, workspace_id=context.caller.workspace_id + 1))

    with pytest.raises(OperationError) as refusal:
        _ask(other)

    assert refusal.value.code is Code.NOT_FOUND


def test_input_errors_carry_the_names_that_callers_use() -> None:
    with pytest.raises(ValidationError) as refusal:
        LinkAnalyticsQuery.model_validate({"dateFrom": 1, "date_to": "2026-06-07"})

    assert [error["loc"] for error in refusal.value.errors()] == [("dateFrom",), ("date_to",)]
    assert set(LinkAnalyticsQuery.model_json_schema()["properties"]) == {
        "short_code",
        "original_url",
        "domain",
        "dateFrom",
        "dateTo",
        "timezone",
    }


def _ask(context: Context, **asked: str) -> LinkAnalytics:
    return get_link_analytics(context, LinkAnalyticsQuery.model_validate({"short_code": "launch", **asked}))


def _on_plan(context: Context, plan: Plan) -> Context:
    return replace(context, caller=replace(context.caller, plan=plan))


def _dates(answer: LinkAnalytics) -> tuple[str, str, str]:
    return answer.date_from, answer.date_to, answer.timezone


def _visit(at: datetime, visitor: int = 1, **values: str) -> dict[str, Any]:
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    known = dict.fromkeys(DIMENSIONS, "unverified") | values
    return {"clicked_at": milliseconds, "is_bot": False, "visitor": visitor, **known}
