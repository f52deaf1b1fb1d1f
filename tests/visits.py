"""Clicks as ingest stores them, written straight into the tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import column, delete, insert
from sqlmodel import SQLModel

from shortmcp.core.analytics.tables import DIMENSIONS, ClickRow, LinkDay, LinkQuarter, LinkValue
from shortmcp.core.context import Context
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.models import LinkRef

CHOICES = {
    "referrer": ["https://t.co/", "https://news.example.org/a", "https://news.example.org/b", "unverified"],
    "country": ["AT", "DE", "NP", "US", "unverified"],
    "language": ["de", "en", "unverified"],
    "device": ["mobile", "desktop", "tablet"],
    "os": ["ios", "android", "windows"],
    "browser": ["chrome", "firefox", "safari"],
}


def make_visits(random: Random, number: int, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Visits at random moments from `start` to before `end`, in order of time; one in ten is a bot's."""
    first, last = (round(moment.timestamp() * 1000) for moment in (start, end))
    return [
        {
            "clicked_at": clicked_at,
            "is_bot": random.random() < 0.1,
            "visitor": random.randrange(50),
            **{name: random.choice(choices) for name, choices in CHOICES.items()},
        }
        for clicked_at in sorted(random.randrange(first, last) for _ in range(number))
    ]


def store_visits(
    context: Context,
    visits: Sequence[dict[str, Any]],
    *,
    link_id: int | None = None,
    code: str = "launch",
    stored: int = 0,
) -> None:
    """Write clicks as ingest does, and count all of them anew; the first `stored` are in the clicks already."""
    link_id = link_id or find_link(context, LinkRef(short_code=code)).id or 0
    firsts = _first_of_each_day(visits)
    rows = [
        {
            **visit,
            "link_id": link_id,
            "is_first": number in firsts,
            **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"), ""),
        }
        for number, visit in enumerate(visits)
    ]
    connection = context.session.connection()
    connection.execute(insert(ClickRow), rows[stored:])
    for table, counted in _roll_up(rows).items():
        connection.execute(delete(table).where(column("link_id") == link_id))
        connection.execute(insert(table), counted)


def _first_of_each_day(visits: Sequence[dict[str, Any]]) -> set[int]:
    firsts: dict[tuple[int, int], int] = {}
    for number, visit in enumerate(visits):
        if not visit["is_bot"]:
            firsts.setdefault((visit["clicked_at"] // 86_400_000, visit["visitor"]), number)
    return set(firsts.values())


def _roll_up(rows: Iterable[dict[str, Any]]) -> dict[type[SQLModel], list[dict[str, Any]]]:
    days: dict[int, Counter[str]] = {}
    quarters: dict[int, Counter[str]] = {}
    values: Counter[tuple[int, int, str]] = Counter()
    link_id = 0
    for row in rows:
        link_id, day = row["link_id"], row["clicked_at"] // 86_400_000
        for counts in (days.setdefault(day, Counter()), quarters.setdefault(row["clicked_at"] // 900_000, Counter())):
            counts.update(total=not row["is_bot"], firsts=row["is_first"], bots=row["is_bot"])
        if not row["is_bot"]:
            values.update((day, number, row[name]) for number, name in enumerate(DIMENSIONS))
    return {
        LinkDay: [
            {"link_id": link_id, "day": day, "total": one["total"], "uniques": one["firsts"], "bots": one["bots"]}
            for day, one in days.items()
        ],
        LinkQuarter: [{"link_id": link_id, "quarter": quarter, **one} for quarter, one in quarters.items()],
        LinkValue: [
            {"link_id": link_id, "day": day, "dimension": dimension, "value": value, "total": total}
            for (day, dimension, value), total in values.items()
        ],
    }
