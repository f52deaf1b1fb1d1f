"""Single clicks: their order, their pages, and a total that is theirs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.analytics.conftest import NOW
from shortmcp.core.analytics.clicks import ClickList, list_clicks
from shortmcp.core.context import Context
from shortmcp.core.plans import Plan

DAY_MILLISECONDS = 86_400_000
NOON = int(NOW.timestamp() * 1000)
Store = Callable[..., None]


def visit(at: int, **fields: Any) -> dict[str, Any]:
    usual = dict.fromkeys(("country", "language", "device", "os", "browser"), "unverified")
    return {"clicked_at": at, "is_bot": False, "visitor": at, "referrer": "unverified", **usual, **fields}


def pages(context: Context, size: int, *, by_number: bool = False) -> list[list[int]]:
    """The ids on each page, from the first to the last."""
    found, query = list[list[int]](), ClickList(short_code="launch", per_page=size)
    while True:
        page = list_clicks(context, query)
        found.append([click.id for click in page.data])
        if page.next_cursor is None:
            return found
        more = {"page": len(found) + 1} if by_number else {"cursor": page.next_cursor}
        query = ClickList.model_validate({"short_code": "launch", "per_page": size, **more})


@pytest.mark.parametrize("by_number", [False, True])
def test_pages_hold_every_click_once_and_the_newest_first(
    context: Context, store_visits: Store, *, by_number: bool
) -> None:
    # Ids do not follow the moments, several clicks share one, and the days are of different sizes.
    moments = [NOON - day * DAY_MILLISECONDS - n // 3 for day in (5, 0, 2, 0, 1) for n in range(1 + 4 * day)]
    store_visits(context, [visit(at, is_bot=number % 4 == 0) for number, at in enumerate(moments)])
    everything = list_clicks(context, ClickList(short_code="launch"))
    assert (everything.total, len(everything.data), everything.next_cursor) == (len(moments), len(moments), None)
    order = [(click.clicked_at, click.id) for click in everything.data]
    assert order == sorted(order, reverse=True)
    for size in (1, 2, 7, len(moments)):
        found = pages(context, size, by_number=by_number)
        assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
        assert [number for page in found for number in page] == [click.id for click in everything.data]


def test_pages_behind_the_last_one_are_empty(context: Context, store_visits: Store) -> None:
    assert list_clicks(context, ClickList(short_code="launch", page=1)).model_dump() == {
        "data": [],
        "total": 0,
        "total_is_exact": True,
        "next_cursor": None,
    }
    store_visits(context, [visit(NOON)])
    for page in (2, 10**9):
        assert list_clicks(context, ClickList(short_code="launch", page=page)).data == []


def test_clicks_outside_the_plan_s_history_are_neither_shown_nor_counted(context: Context, store_visits: Store) -> None:
    midnight = NOON // DAY_MILLISECONDS * DAY_MILLISECONDS
    store_visits(context, [visit(midnight - 30 * DAY_MILLISECONDS + step) for step in (-1, 0, 1)])
    short = replace(context, caller=replace(context.caller, plan=Plan(history=(30, "days"))))
    page = list_clicks(short, ClickList(short_code="launch", per_page=1))
    assert (page.total, page.data[0].clicked_at) == (2, NOW.replace(hour=0, minute=0) - timedelta(30, 0, -1000))
    rest = list_clicks(short, ClickList(short_code="launch", cursor=page.next_cursor))
    assert (rest.total, len(rest.data), rest.next_cursor) == (2, 1, None)
    assert list_clicks(context, ClickList(short_code="launch")).total == 3


def test_a_click_says_what_the_visit_told_and_nothing_of_the_visitor(context: Context, store_visits: Store) -> None:
    told = visit(NOON + 1, country="AT", referrer="https://news.example/", visitor=1234567, is_bot=True)
    store_visits(context, [visit(NOON), told])
    click = list_clicks(context, ClickList(short_code="launch")).data[0]
    assert click.model_dump(mode="json", exclude={"id"}) == {
        "clicked_at": "2026-06-07T14:30:00+00:00",
        "country": "AT",
        "device": "unverified",
        "os": "unverified",
        "browser": "unverified",
        "language": "unverified",
        "referrer": "https://news.example/",
        "utm_source": None,
        "utm_medium": None,
        "utm_campaign": None,
        "utm_term": None,
        "utm_content": None,
        "is_bot": True,
    }
