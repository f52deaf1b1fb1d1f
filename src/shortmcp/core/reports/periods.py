"""Which days a report is about, and when it is due. Knows no database."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from shortmcp.core.analytics.calendar import shift_months

# In the reports' time zone: before people begin to work, and not while clocks are changed.
DUE_HOUR: Final = 7


class Cadence(StrEnum):
    """How often a report comes."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both ends included: a week from Monday on, or a month of the calendar."""

    cadence: Cadence
    first: date
    last: date

    @property
    def before(self) -> "Period":
        """The period before."""
        return period_before(self.cadence, self.first)

    def due_at(self, zone: ZoneInfo) -> datetime:
        """When its report is due, in UTC."""
        return datetime.combine(self.last + timedelta(1), time(DUE_HOUR), zone).astimezone(UTC)


def period_before(cadence: Cadence, day: date) -> Period:
    """The last whole period that ends before `day`."""
    if cadence is Cadence.WEEKLY:
        monday = day - timedelta(day.weekday())
        return Period(cadence, monday - timedelta(7), monday - timedelta(1))
    start = day.replace(day=1)
    return Period(cadence, shift_months(start, -1) or date.min, start - timedelta(1))


def period_from(cadence: Cadence, first: date) -> Period:
    """The period that begins on `first`, which is a day on which one does."""
    next_first = first + timedelta(7) if cadence is Cadence.WEEKLY else shift_months(first, 1) or date.max
    return Period(cadence, first, next_first - timedelta(1))


def latest_period(cadence: Cadence, now: datetime, zone: ZoneInfo) -> Period:
    """The newest period whose report is due."""
    local = now.astimezone(zone)
    return period_before(cadence, local.date() if local.hour >= DUE_HOUR else local.date() - timedelta(1))
