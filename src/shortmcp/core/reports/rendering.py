"""What a report looks like: HTML that mail programs leave whole, the same in plain text, and its subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shortmcp.core.analytics.published import Ranking
from shortmcp.core.mails import MAX_SUBJECT, one_line
from shortmcp.core.reports.numbers import Report
from shortmcp.core.reports.periods import Cadence, Period

# Rows of a ranking; what is behind them is one more row.
MOST_NAMES = 6
# The highest bar: pixels in HTML, signs in text.
HEIGHT, LENGTH = 96, 24
# Below every seventh day of a month stands a label, if three days have room for it.
LABEL_EVERY, LABEL_ROOM = 7, 3
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Not the machine's: it may be set to another language.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Directions that reorder what stands around them.
_REORDERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: how long it is in pixels or percent, and in signs of plain text."""

    name: str
    total: int
    size: int
    signs: str


@dataclass(frozen=True, slots=True)
class Written:
    """A mail's parts."""

    subject: str
    text: str
    html: str


def write_report(report: Report, workspace: str, unsubscribe: str | None) -> Written:
    """The report as one recipient gets it; `unsubscribe` is where to have no more of them, None in a preview."""
    period = name_period(report.period)
    project = one_line(report.project)
    subject = f"{project[:80]}: {count(report.total)} {'click' if report.total == 1 else 'clicks'}, {period}"
    values = {
        "report": report,
        "period": period,
        "workspace": one_line(workspace),
        "unsubscribe": unsubscribe,
        "subject": subject,
        "change": tell_change(report),
        "days": _draw_days(report.days),
        "labels": _label_days([day for day, _ in report.days]),
        "height": HEIGHT,
        "busiest": max(report.days, key=lambda day: day[1], default=None),
        "links": _draw([(one.address, one.total) for one in report.links]),
        "rankings": {"Countries": _rank(report.countries, "Unknown"), "Referrers": _rank(report.referrers, "Direct")},
    }
    return Written(subject[:MAX_SUBJECT], _render("report.txt", values), _render("report.html", values))


def write_invitation(workspace: str, project: str, confirm: str, unsubscribe: str) -> Written:
    """The question whether somebody wants reports. `project` is a slug: a stranger's mail holds no free text."""
    subject = f"Do you want reports from {one_line(workspace)[:60]}?"
    values = {
        "subject": subject,
        "workspace": one_line(workspace)[:60],
        "project": project[:60],
        "confirm": confirm,
        "unsubscribe": unsubscribe,
    }
    return Written(subject, _render("invitation.txt", values), _render("invitation.html", values))


def name_period(period: Period) -> str:
    """June 2026, or 1 to 7 June 2026."""
    first, last = period.first, period.last
    if period.cadence is Cadence.MONTHLY:
        return f"{_MONTHS[first.month - 1]} {first.year}"
    if first.year != last.year:
        return f"{name_day(first)} {first.year} to {name_day(last)} {last.year}"
    start = str(first.day) if first.month == last.month else name_day(first)
    return f"{start} to {name_day(last)} {last.year}"


def name_day(day: date) -> str:
    """7 June."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def tell_change(report: Report) -> str:
    """How the clicks compare with those of the period before, in words."""
    unit = "week" if report.period.cadence is Cadence.WEEKLY else "month"
    if report.previous is None:
        return f"the {unit} before lies outside of the plan's history"
    before = f"the {unit} before ({count(report.previous)})"
    if report.change is None:
        return f"none in the {unit} before"
    if report.change == 0:
        return f"as many as in {before}"
    return f"{abs(report.change):,.1f} % {'more' if report.change > 0 else 'fewer'} than in {before}"


def count(number: int) -> str:
    """A number as people read it."""
    return f"{number:,}"


def _draw_days(days: list[tuple[date, int]]) -> list[Bar]:
    most = max([1, *(total for _, total in days)])
    bars: list[Bar] = []
    for day, total in days:
        # A single click among thousands can still be seen.
        size = max(2, round(HEIGHT * total / most)) if total else 0
        bars.append(Bar(_short(day), total, size, _signs(total, most)))
    return bars


def _label_days(days: list[date]) -> list[tuple[str, int]]:
    # What stands below the bars, with the number of bars that it has room below.
    if len(days) <= LABEL_EVERY:
        return [(_short(day), 1) for day in days]
    rooms = [(day, min(LABEL_EVERY, len(days) - number)) for number, day in enumerate(days) if not number % LABEL_EVERY]
    return [(_short(day) if room >= LABEL_ROOM else "", room) for day, room in rooms]


def _short(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day.day}"


def _rank(ranking: Ranking, unknown: str) -> list[Bar]:
    rows = [(name or unknown, total) for name, total in ranking[:MOST_NAMES]]
    if rest := sum(total for _, total in ranking[MOST_NAMES:]):
        rows.append(("Others", rest))
    return _draw(rows)


def _draw(rows: list[tuple[str, int]]) -> list[Bar]:
    most = max([1, *(total for _, total in rows)])
    return [Bar(name, total, max(1, round(100 * total / most)), _signs(total, most)) for name, total in rows]


def _signs(total: int, most: int) -> str:
    return ("#" * (max(1, round(LENGTH * total / most)) if total else 0)).ljust(LENGTH)


def _render(template: str, values: Mapping[str, Any]) -> str:
    return _ENVIRONMENT.get_template(template).render(values)


def _plain(value: Any) -> Any:
    return value.translate(_REORDERING) if isinstance(value, str) else value


def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shortmcp.core.reports"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(count=count, day=name_day, line=one_line)
    return environment


_ENVIRONMENT = _make_environment()
