"""Clicks by referrer, country, language, device, system and browser, for any whole number of quarter-hours."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

from sqlalchemy import Connection, text

from shortmcp.core.analytics.calendar import QUARTERS_A_DAY, Pieces, Span, split_by_day
from shortmcp.core.analytics.pieces import Values, count_clicks, count_values
from shortmcp.core.analytics.tables import DIMENSIONS

_VALUES = text(
    "SELECT dimension, value, sum(total) FROM link_values"
    " WHERE link_id = :link AND day >= :first_day AND day < :end_day GROUP BY dimension, value"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read: full UTC days [first_day, end_day), pieces to add to them and pieces to take away."""

    first_day: int
    end_day: int
    added: tuple[tuple[int, int], ...]
    removed: tuple[tuple[int, int], ...]


def break_down(connection: Connection, link_id: int, span: Span) -> dict[str, list[tuple[str, int]]]:
    """(value, clicks) of each of DIMENSIONS, the largest first; each list adds up to the span's clicks."""
    clicks_in = cache(partial(count_clicks, connection, link_id))
    reading = plan_reading(split_by_day(span.start, span.end), clicks_in)
    values = _values_of_days(connection, link_id, reading)
    for start, end in reading.added:
        for counter, more in zip(values, count_values(connection, link_id, start, end), strict=True):
            counter.update(more)
    for start, end in reading.removed:
        for counter, less in zip(values, count_values(connection, link_id, start, end), strict=True):
            counter.subtract(less)
    return {name: _ranked(counter) for name, counter in zip(DIMENSIONS, values, strict=True)}


def plan_reading(pieces: Pieces, clicks_in: Callable[[int, int], int]) -> Reading:
    """The fewest clicks to read: of an edge with more than half its day's clicks, the day's others are taken away.

    `clicks_in` counts the clicks in quarter-hours [start, end). Pieces without any are left out: so a day that has not
    ended yet needs no clicks where its edge reaches beyond the present moment.
    """
    days = list(range(pieces.first_day, pieces.end_day))
    added: list[tuple[int, int]] = []
    removed: list[tuple[int, int]] = []
    for start, end in pieces.edges:
        midnight = start // QUARTERS_A_DAY * QUARTERS_A_DAY
        others = [(midnight, start), (end, midnight + QUARTERS_A_DAY)]
        if clicks_in(start, end) <= sum(clicks_in(*other) for other in others):
            added.append((start, end))
        else:
            days.append(start // QUARTERS_A_DAY)
            removed += others
    # An edge's day is next to the full days, so that all of them stay one range.
    first_day, end_day = (min(days), max(days) + 1) if days else (0, 0)
    return Reading(first_day, end_day, _with_clicks(added, clicks_in), _with_clicks(removed, clicks_in))


def _with_clicks(
    pieces: Iterable[tuple[int, int]], clicks_in: Callable[[int, int], int]
) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end in pieces if clicks_in(start, end))


def _values_of_days(connection: Connection, link_id: int, reading: Reading) -> Values:
    values: Values = tuple(Counter[str]() for _ in DIMENSIONS)
    days = {"link": link_id, "first_day": reading.first_day, "end_day": reading.end_day}
    for dimension, value, total in connection.execute(_VALUES, days).all():
        values[dimension][value] = total
    return values


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(((value, total) for value, total in counter.items() if total > 0), key=lambda one: (-one[1], one[0]))
