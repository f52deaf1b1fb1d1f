"""How many clicks: totals, local hours and unique visitors, read from the roll-ups."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from shortmcp.core.analytics.calendar import QUARTERS_A_DAY, Span, day_of_number, split_by_day, split_by_offset
from shortmcp.core.analytics.pieces import count_visitors

# Both databases divide integers towards zero, and no quarter-hour with clicks is negative.
_HOURS = text(
    "SELECT (quarter + :offset) / 4, sum(total), sum(bots) FROM link_quarters"
    " WHERE link_id = :link AND quarter >= :start AND quarter < :end GROUP BY 1"
)
_TOTAL = text(
    "SELECT coalesce(sum(total), 0) FROM ("
    "SELECT total FROM link_days WHERE link_id = :link AND day >= :first_day AND day < :end_day"
    " UNION ALL SELECT total FROM link_quarters WHERE link_id = :link AND quarter >= :start AND quarter < :head"
    " UNION ALL SELECT total FROM link_quarters WHERE link_id = :link AND quarter >= :tail AND quarter < :end"
    ") AS counted"
)
_UNIQUES = text(
    "SELECT coalesce(sum(uniques), 0) FROM link_days WHERE link_id = :link AND day >= :first_day AND day < :end_day"
)
_FIRSTS = text(
    "SELECT coalesce(sum(firsts), 0) FROM link_quarters WHERE link_id = :link AND quarter >= :start AND quarter < :end"
)


@dataclass(frozen=True, slots=True)
class LocalCounts:
    """A span's clicks by local day and by hour of the day, 0 to 23, where there are any; and its bots."""

    days: Counter[date]
    hours: Counter[int]
    bots: int

    @property
    def total(self) -> int:
        """The span's clicks."""
        return self.days.total()


def count_hours(connection: Connection, link_id: int, zone: ZoneInfo, span: Span) -> LocalCounts:
    """The span's clicks as the clocks of the time zone show them."""
    days: Counter[int] = Counter()
    hours: Counter[int] = Counter()
    all_bots = 0
    for segment in split_by_offset(zone, span):
        values = {"link": link_id, "offset": segment.offset, "start": segment.start, "end": segment.end}
        for local_hour, total, bots in connection.execute(_HOURS, values).all():
            day, hour = divmod(local_hour, 24)
            days[max(day, segment.day)] += total
            hours[hour] += total
            all_bots += bots
    return LocalCounts(Counter({day_of_number(day): total for day, total in days.items()}), hours, all_bots)


def count_total(connection: Connection, link_id: int, span: Span) -> int:
    """The span's clicks."""
    pieces = split_by_day(span.start, span.end)
    within_a_day = pieces.first_day * QUARTERS_A_DAY > span.end
    values = {
        "link": link_id,
        "first_day": pieces.first_day,
        "end_day": pieces.end_day,
        "start": span.start,
        "head": span.end if within_a_day else pieces.first_day * QUARTERS_A_DAY,
        "tail": span.end if within_a_day else pieces.end_day * QUARTERS_A_DAY,
        "end": span.end,
    }
    return connection.execute(_TOTAL, values).scalar_one()


def count_uniques(connection: Connection, link_id: int, span: Span) -> int:
    """The different visitors of each UTC day inside the span, added up."""
    pieces = split_by_day(span.start, span.end)
    days = {"link": link_id, "first_day": pieces.first_day, "end_day": pieces.end_day}
    total: int = connection.execute(_UNIQUES, days).scalar_one()
    return total + sum(_uniques_of_edge(connection, link_id, start, end) for start, end in pieces.edges)


def _uniques_of_edge(connection: Connection, link_id: int, start: int, end: int) -> int:
    if start % QUARTERS_A_DAY:
        return count_visitors(connection, link_id, start, end)
    # From midnight on, the visitors are those whose first click has come by then.
    return connection.execute(_FIRSTS, {"link": link_id, "start": start, "end": end}).scalar_one()
