"""Every number of a link's analytics against a count of the clicks one by one."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shortmcp.core.analytics.answers import get_link_analytics
from shortmcp.core.analytics.models import LinkAnalytics, LinkAnalyticsQuery
from shortmcp.core.context import Context

CHOICES = {
    "referrer": ["https://t.co/", "https://example.org/a", "unverified"],
    "country": ["AT", "DE", "NP", "US", "unverified"],
    "language": ["de", "en", "unverified"],
    "device": ["mobile", "desktop", "tablet"],
    "os": ["ios", "android", "windows", "chrome-os"],
    "browser": ["chrome", "firefox", "safari"],
}
LABELS = {
    "AT": "Austria",
    "DE": "Germany",
    "NP": "Nepal",
    "US": "United States",
    "de": "German",
    "en": "English",
    "mobile": "Mobile",
    "desktop": "Desktop",
    "tablet": "Tablet",
    "ios": "iOS",
    "android": "Android",
    "windows": "Windows",
    "chrome-os": "Chrome OS",
    "chrome": "Chrome",
    "firefox": "Firefox",
    "safari": "Safari",
    "unverified": "Unverified",
}
LISTS = {
    "countries": "country",
    "languages": "language",
    "devices": "device",
    "operating_systems": "os",
    "browsers": "browser",
}


@dataclass(frozen=True)
class Visit:
    """One click as the test knows it."""

    at: datetime
    is_bot: bool
    visitor: int
    values: dict[str, str]

    @property
    def row(self) -> dict[str, Any]:
        """As `clicks` has it."""
        milliseconds = (self.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        return {"clicked_at": milliseconds, "is_bot": self.is_bot, "visitor": self.visitor, **self.values}


@dataclass(frozen=True)
class Period:
    """What is asked, and the days that it is compared with."""

    zone: str
    asked: tuple[str, str]
    previous: tuple[str, str]
    last_year: tuple[str, str]


PERIODS = [
    Period("UTC", ("2026-05-01", "2026-06-07"), ("2026-04-01", "2026-05-07"), ("2025-05-01", "2025-06-07")),
    Period("Europe/Vienna", ("2026-03-29", "2026-03-29"), ("2026-02-28", "2026-02-28"), ("2025-03-29", "2025-03-29")),
    Period("Europe/Vienna", ("2025-10-20", "2025-10-31"), ("2025-09-20", "2025-09-30"), ("2024-10-20", "2024-10-31")),
    Period("Asia/Kathmandu", ("2026-05-30", "2026-06-07"), ("2026-04-30", "2026-05-07"), ("2025-05-30", "2025-06-07")),
    Period("Asia/Kathmandu", ("2026-03-31", "2026-03-31"), ("2026-02-28", "2026-02-28"), ("2025-03-31", "2025-03-31")),
    Period("Pacific/Chatham", ("2026-04-03", "2026-04-07"), ("2026-03-03", "2026-03-07"), ("2025-04-03", "2025-04-07")),
    Period(
        "Pacific/Kiritimati", ("2026-06-07", "2026-06-08"), ("2026-05-07", "2026-05-08"), ("2025-06-07", "2025-06-08")
    ),
    Period(
        "America/Los_Angeles", ("2026-03-07", "2026-03-10"), ("2026-02-07", "2026-02-10"), ("2025-03-07", "2025-03-10")
    ),
    Period(
        "America/Santiago", ("2026-04-03", "2026-04-06"), ("2026-03-03", "2026-03-06"), ("2025-04-03", "2025-04-06")
    ),
    Period("America/Havana", ("2025-11-02", "2025-11-02"), ("2025-10-02", "2025-10-02"), ("2024-11-02", "2024-11-02")),
    Period("Europe/London", ("2026-03-29", "2026-03-29"), ("2026-02-28", "2026-02-28"), ("2025-03-29", "2025-03-29")),
    Period("Etc/GMT+12", ("2024-02-29", "2024-02-29"), ("2024-01-29", "2024-01-29"), ("2023-02-28", "2023-02-28")),
]


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: f"{period.zone} {period.asked[0]}")
@pytest.mark.parametrize("seed", range(3))
def test_every_number_is_what_counting_the_clicks_gives(
    context: Context, store_visits: Callable[..., None], period: Period, seed: int
) -> None:
    visits = _make_visits(Random(seed), period)  # noqa: S311
    store_visits(context, [visit.row for visit in visits])

    answer = _ask(context, dateFrom=period.asked[0], dateTo=period.asked[1], timezone=period.zone)

    assert answer.model_dump(mode="json") == _count(visits, period, answer.link.id)


def _ask(context: Context, **asked: str) -> LinkAnalytics:
    return get_link_analytics(context, LinkAnalyticsQuery.model_validate({"short_code": "launch", **asked}))


def _make_visits(random: Random, period: Period) -> list[Visit]:
    """Clicks around all three spans, many of them close to a midnight or to a change of the clock."""
    visits: list[Visit] = []
    for first, last in (period.asked, period.previous, period.last_year):
        begin = datetime.fromisoformat(first).replace(tzinfo=UTC) - timedelta(days=2)
        length = date.fromisoformat(last) - date.fromisoformat(first) + timedelta(days=5)
        for _ in range(random.choice([40, 400])):
            at = begin + length * random.random()
            if random.random() < 0.3:
                at = at.replace(minute=random.choice([0, 15, 30, 45]), second=0, microsecond=0)
            values = {name: random.choice(choices) for name, choices in CHOICES.items()}
            at -= timedelta(microseconds=at.microsecond % 1000)
            visits.append(Visit(at, random.random() < 0.1, random.randrange(25), values))
    return sorted(visits, key=lambda visit: visit.at)


def _within(visits: Iterable[Visit], zone: ZoneInfo, days: tuple[str, str]) -> list[Visit]:
    return [visit for visit in visits if days[0] <= visit.at.astimezone(zone).date().isoformat() <= days[1]]


def _count(visits: Sequence[Visit], period: Period, link_id: int) -> dict[str, Any]:
    zone = ZoneInfo(period.zone)
    asked = _within(visits, zone, period.asked)
    people = [visit for visit in asked if not visit.is_bot]
    before, year_before = (
        sum(not visit.is_bot for visit in _within(visits, zone, days)) for days in (period.previous, period.last_year)
    )
    local = [visit.at.astimezone(zone) for visit in people]
    return {
        "generated_at": "2026-06-07T14:30:00+00:00",
        "link": {
            "id": link_id,
            "short_code": "launch",
            "title": "Launch link",
            "original_url": "https://example.com/",
        },
        "date_from": period.asked[0],
        "date_to": period.asked[1],
        "timezone": period.zone,
        "period_stats": {
            "total": len(people),
            "unique_clicks": len({(visit.at.date(), visit.visitor) for visit in people}),
            "bots": len(asked) - len(people),
            "previous_total": before,
            "mom_change": _change(len(people), before),
            "previous_out_of_range": False,
            "yoy_total": year_before,
            "yoy_change": _change(len(people), year_before),
            "yoy_out_of_range": False,
        },
        "days": _count_days(local, period.asked),
        "referrers": [
            {"referrer": value, "total": total}
            for value, total, _ in _rank(visit.values["referrer"] for visit in people)
        ],
        **{name: _count_values(people, dimension) for name, dimension in LISTS.items()},
        "day_of_week": [
            {"day": value[1:], "total": total, "pct": pct}
            for value, total, pct in _rank(f"{moment:%u%a}" for moment in local)
        ],
        "hours": [
            {"hour": value, "total": total, "pct": pct}
            for value, total, pct in _rank(f"{moment:%H}:00" for moment in local)
        ],
    }


def _count_days(local: Sequence[datetime], asked: tuple[str, str]) -> list[dict[str, Any]]:
    totals = Counter(moment.date() for moment in local)
    first, last = date.fromisoformat(asked[0]), date.fromisoformat(asked[1])
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    return [{"date": day.isoformat(), "total": totals[day]} for day in days]


def _count_values(people: Sequence[Visit], dimension: str) -> list[dict[str, Any]]:
    ranked = _rank(visit.values[dimension] for visit in people)
    return [{"code": value, "label": LABELS[value], "total": total, "pct": pct} for value, total, pct in ranked]


def _rank(values: Iterable[str]) -> list[tuple[str, int, float]]:
    totals = Counter(values)
    ranked = sorted(totals.items(), key=lambda one: (-one[1], one[0]))
    return [(value, total, round(100 * total / totals.total(), 1)) for value, total in ranked]


def _change(total: int, base: int) -> float | None:
    return round((total - base) / base * 100, 1) if base else None
