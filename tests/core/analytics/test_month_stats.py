"""This month against the last and against last year, for projects and links."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from shortmcp.core.analytics.answers import get_project_analytics, get_workspace_analytics
from shortmcp.core.analytics.tables import LinkDay
from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.models import LinkRef
from shortmcp.core.links.tables import Link
from shortmcp.core.plans import DEFAULT_PLANS, Plan
from shortmcp.core.projects import Project, ProjectRef, find_project
from shortmcp.core.usage import NoInput
from shortmcp.core.workspaces import Workspace


def test_every_project_is_shown_with_its_months(context: Context) -> None:
    _count(context, "launch", {"2026-05-07": 8, "2026-05-08": 100, "2026-06-01": 3, "2026-06-07": 4})
    empty = Project(
        workspace_id=context.caller.workspace_id, name="Two", slug="two", created_at=context.now, updated_at=context.now
    )
    context.session.add(empty)
    context.session.flush()

    answer = get_workspace_analytics(context, NoInput())

    assert answer.model_dump(mode="json") == {
        "generated_at": "2026-06-07T14:30:00+00:00",
        "projects": [
            {"id": find_project(context, "one").id, "name": "One", "slug": "one", "stats": _stats(7, 108, -12.5, None)},
            {"id": empty.id, "name": "Two", "slug": "two", "stats": _stats(0, 0, None, None)},
        ],
    }


def test_every_link_of_a_project_is_shown_with_its_months_the_newest_first(context: Context) -> None:
    second = _add_link(context, "second")
    _count(context, "launch", {"2025-06-01": 2, "2025-06-07": 2, "2025-06-08": 50, "2026-06-02": 6})
    _count(context, "second", {"2026-05-31": 5})

    answer = get_project_analytics(context, ProjectRef(project="one"))

    first = {"short_code": "launch", "title": "Launch link", "original_url": "https://example.com/"}
    assert answer.model_dump(mode="json") == {
        "generated_at": "2026-06-07T14:30:00+00:00",
        "project": {"id": find_project(context, "one").id, "name": "One", "slug": "one"},
        "links": [
            {
                "id": second,
                "short_code": "second",
                "title": "Another",
                "original_url": "https://example.org/",
                "stats": _stats(0, 5, None, None),
            },
            {"id": find_link(context, LinkRef(short_code="launch")).id, **first, "stats": _stats(6, 0, None, 50.0)},
        ],
    }


@pytest.mark.parametrize(
    ("today", "days", "expected"),
    [
        ("2026-03-31", {"2026-02-01": 10, "2026-02-28": 10, "2026-03-31": 30}, (30, 20, 50.0, None)),
        ("2026-03-01", {"2026-02-01": 10, "2026-02-02": 90, "2026-03-01": 5}, (5, 100, -50.0, None)),
        ("2024-02-29", {"2023-02-01": 3, "2023-02-28": 3, "2024-02-29": 8}, (8, 0, None, 33.3)),
        ("2026-01-15", {"2025-12-15": 1, "2025-12-16": 1, "2026-01-01": 3}, (3, 2, 200.0, None)),
        ("2026-01-15", {"2025-12-31": 4, "2026-01-16": 9}, (0, 4, None, None)),
    ],
)
def test_a_month_is_compared_up_to_the_same_day_of_the_month(
    context: Context, today: str, days: Mapping[str, int], expected: tuple[Any, ...]
) -> None:
    then = replace(context, now=datetime.fromisoformat(today).replace(hour=23, tzinfo=UTC))
    _count(then, "launch", days)

    assert _first_stats(then) == _stats(*expected)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (DEFAULT_PLANS["pro"], (3, 3, 200.0, 50.0)),
        (DEFAULT_PLANS["basic"], (3, 3, 200.0, None)),
        # May from the 8th on.
        (DEFAULT_PLANS["free"], (3, 2, None, None)),
        (Plan(history=(1, "days")), (1, 0, None, None)),
    ],
)
def test_the_months_reach_no_further_than_the_plans_history(
    context: Context, plan: Plan, expected: tuple[Any, ...]
) -> None:
    on_plan = replace(context, caller=replace(context.caller, plan=plan))
    _count(context, "launch", {"2025-06-01": 2, "2026-05-01": 1, "2026-05-08": 2, "2026-06-01": 2, "2026-06-06": 1})

    assert _first_stats(on_plan) == _stats(*expected)


def test_another_workspace_sees_none_of_it(context: Context) -> None:
    _count(context, "launch", {"2026-06-01": 3})
    other = Workspace(name="Theirs", slug="theirs", plan="unlimited", created_at=context.now)
    context.session.add(other)
    context.session.flush()
    theirs = replace(context, caller=replace(context.caller, workspace_id=other.id or 0))

    with pytest.raises(OperationError) as refusal:
        get_project_analytics(theirs, ProjectRef(project="one"))

    assert refusal.value.code is Code.NOT_FOUND
    assert get_workspace_analytics(theirs, NoInput()).projects == []


def _first_stats(context: Context) -> dict[str, Any]:
    (project,) = get_workspace_analytics(context, NoInput()).projects
    (link,) = get_project_analytics(context, ProjectRef(project="one")).links
    assert project.stats == link.stats
    return project.stats.model_dump()


def _stats(current: int, previous: int, month: float | None, year: float | None) -> dict[str, Any]:
    return {"current_month": current, "previous_month": previous, "mom_change": month, "yoy_change": year}


def _count(context: Context, code: str, days: Mapping[str, int]) -> None:
    link_id = find_link(context, LinkRef(short_code=code)).id
    rows = [
        {"link_id": link_id, "day": (date.fromisoformat(day) - date(1970, 1, 1)).days, "total": total}
        for day, total in days.items()
    ]
    context.session.connection().execute(insert(LinkDay), [{**row, "uniques": 1, "bots": 1} for row in rows])


def _add_link(context: Context, code: str) -> int:
    link = Link(
        workspace_id=context.caller.workspace_id,
        project_id=find_project(context, "one").id or 0,
        short_code=code,
        original_url="https://example.org/",
        title="Another",
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(link)
    context.session.flush()
    return link.id or 0
