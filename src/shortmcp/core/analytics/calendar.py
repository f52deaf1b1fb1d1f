"""Days, months and time zones: which quarter-hours of UTC a period covers. Knows no database.

Quarter-hours are counted since 1970 in UTC. Every offset in use today is a multiple of one, so days and hours of any
time zone begin on one; the odd offsets of long ago are rounded down.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from shortmcp.core.errors import invalid

QUARTERS_A_DAY = 96
# Ten years: what bounds an answer where the plan's history does not.
MOST_DAYS = 3_653
_QUARTER_SECONDS = 900
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Files of the system's time zone folder that follow the machine, or stand for "not set", and name no place.
_NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})

History = tuple[int, Literal["days", "months"]] | None


@dataclass(frozen=True, slots=True)
class Span:
    """Whole local days, both ends included, and the UTC quarter-hours [start, end) that they cover."""

    first: date
    last: date
    start: int
    end: int

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(number) for number in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Segment:
    """UTC quarter-hours [start, end) throughout which local time is `offset` quarter-hours ahead.

    `day` is the local day, counted since 1970, that its first instant belongs to.
    """

    start: int
    end: int
    offset: int
    day: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Quarter-hours cut at UTC midnights: full days [first_day, end_day) since 1970, and the partial days beside them.

    Each edge is [start, end) in quarter-hours and lies within one UTC day.
    """

    first_day: int
    end_day: int
    edges: tuple[tuple[int, int], ...]


def read_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; INVALID for anything else."""
    if name not in _zone_names():
        raise invalid("timezone", "`timezone` must be an IANA name, such as UTC or Europe/Vienna, in this spelling.")
    return ZoneInfo(name)


def read_day(field: str, given: str) -> date:
    """The day that an input field names; INVALID for anything but YYYY-MM-DD."""
    try:
        if _DATE.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError as error:
        raise invalid(field, f"`{field}` names a day that does not exist.") from error
    raise invalid(field, f"`{field}` must be a date as YYYY-MM-DD, such as 2026-06-07.")


def choose_days(given_from: str | None, given_to: str | None, today: date, history: History) -> tuple[date, date]:
    """First and last day of the period that was asked for, within the plan's history and not in the future."""
    wanted = today if given_to is None else read_day("dateTo", given_to)
    last = min(wanted, today)
    first = last.replace(day=1) if given_from is None else read_day("dateFrom", given_from)
    if first > wanted:
        raise invalid("dateFrom", "`dateFrom` must not be after `dateTo`.")
    if first > today:
        raise invalid("dateFrom", f"`dateFrom` lies in the future: today is {today} in this time zone.")
    earliest = earliest_day(today, history) or date.min
    if last < earliest:
        raise invalid("dateTo", f"`dateTo` lies before the plan's history, which begins on {earliest}.")
    return max(first, earliest, _days_before(last, MOST_DAYS - 1)), last


def earliest_day(today: date, history: History) -> date | None:
    """The first day of the plan's history, None where it has no limit."""
    if history is None:
        return None
    length, unit = history
    if unit == "days":
        return _days_before(today, length)
    return shift_months(today, -length) or date.min


def shift_months(day: date, months: int) -> date | None:
    """`day` some months later, at that month's end if it has no such day; None before the year 1."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year < date.min.year:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def shift_span(zone: ZoneInfo, span: Span, months: int) -> Span | None:
    """The same days some months later, each end by itself; None before the year 1."""
    first, last = shift_months(span.first, months), shift_months(span.last, months)
    return make_span(zone, first, last) if first and last else None


def make_span(zone: ZoneInfo, first: date, last: date) -> Span:
    """The local days from `first` to `last`, which is included."""
    return Span(first, last, start_of_day(zone, first), start_of_day(zone, last + timedelta(1)))


def start_of_day(zone: ZoneInfo, day: date) -> int:
    """The quarter-hour in which a local day begins, so that a zone's days follow on each other without a gap.

    A midnight that occurs twice counts the first time; where the clock jumps over it, the day begins after the jump.
    No click is older than 1970, so days before are taken as UTC's, out of reach of the ends of the calendar.
    """
    if day <= _EPOCH.date():
        return (day - _EPOCH.date()).days * QUARTERS_A_DAY
    midnight = datetime.combine(day, time(), zone)
    start, other = _quarter(midnight), _quarter(midnight.replace(fold=1))
    # The second reading lies before the first only for a time of day that does not exist.
    return start if other >= start else _transition(zone, other, start)


def split_by_offset(zone: ZoneInfo, span: Span) -> list[Segment]:
    """The parts of a span between two changes of the clock."""
    start = max(span.start, 0)
    probes = [*range(start, span.end, QUARTERS_A_DAY), span.end]
    bounds = [start]
    for low, high in pairwise(probes):
        if _offset(zone, low) != _offset(zone, high):
            bounds.append(_transition(zone, low, high))
    bounds.append(span.end)
    return [_segment(zone, low, high) for low, high in pairwise(bounds) if low < high]


def split_by_day(start: int, end: int) -> Pieces:
    """The full UTC days of the quarter-hours [start, end), and what is left of them."""
    first_day, end_day = -(-start // QUARTERS_A_DAY), end // QUARTERS_A_DAY
    if first_day > end_day:
        return Pieces(first_day, first_day, ((start, end),) if start < end else ())
    edges = ((start, first_day * QUARTERS_A_DAY), (end_day * QUARTERS_A_DAY, end))
    return Pieces(first_day, end_day, tuple((low, high) for low, high in edges if low < high))


def number_of_day(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH.date()).days


def day_of_number(number: int) -> date:
    """The inverse of `number_of_day`."""
    return _EPOCH.date() + timedelta(number)


def _days_before(day: date, number: int) -> date:
    return date.fromordinal(max(day.toordinal() - number, 1))


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


def _segment(zone: ZoneInfo, start: int, end: int) -> Segment:
    local_day = _local(zone, start).date()
    # Where the clock was put back over midnight, the new day has begun already and goes on.
    if start >= start_of_day(zone, local_day + timedelta(1)):
        local_day += timedelta(1)
    return Segment(start, end, _offset(zone, start), number_of_day(local_day))


def _local(zone: ZoneInfo, quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * _QUARTER_SECONDS, zone)


def _quarter(moment: datetime) -> int:
    return int((moment - _EPOCH) // timedelta(seconds=_QUARTER_SECONDS))


def _offset(zone: ZoneInfo, quarter: int) -> int:
    return (_local(zone, quarter).utcoffset() or timedelta()) // timedelta(seconds=_QUARTER_SECONDS)


def _transition(zone: ZoneInfo, low: int, high: int) -> int:
    """The first quarter-hour after `low`, at the latest `high`, that has another offset than `low`."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high
