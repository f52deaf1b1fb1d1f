"""Clicks by referrer, country, language, device, system and browser, for any whole number of quarter-hours."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, text

from shortmcp.core.analytics.calendar import QUARTERS_A_DAY, Pieces, Span, split_by_day
from shortmcp.core.analytics.pieces import Values, count_values
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
    reading = plan_reading(split_by_day(span.start, span.end))
    values = _values_of_days(connection, link_id, reading)
    for start, end in reading.added:
        for counter, more in zip(values, count_values(connection, link_id, start, end), strict=True):
            counter.update(more)
    for start, end in reading.removed:
        for counter, less in zip(values, count_values(connection, link_id, start, end), strict=True):
            counter.subtract(less)
    return {name: _ranked(counter) for name, counter in zip(DIMENSIONS, values, strict=True)}


def plan_reading(pieces: Pieces) -> Reading:
    """The fewest clicks to read: of an edge longer than half its day, what the day has beside it is taken away."""
    days = list(range(pieces.first_day, pieces.end_day))
    added: list[tuple[int, int]] = []
    removed: list[tuple[int, int]] = []
    for start, end in pieces.edges:
        if end - start <= QUARTERS_A_DAY // 2:
            added.append((start, end))
            continue
        midnight = start // QUARTERS_A_DAY * QUARTERS_A_DAY
        days.append(start // QUARTERS_A_DAY)
        removed += [(midnight, start), (end, midnight + QUARTERS_A_DAY)]
    # An edge's day is next to the full days, so that all of them stay one range.
    first_day, end_day = (min(days), max(days) + 1) if days else (0, 0)
    return Reading(first_day, end_day, tuple(added), tuple((low, high) for low, high in removed if low < high))


def _values_of_days(connection: Connection, link_id: int, reading: Reading) -> Values:
    values: Values = tuple(Counter[str]() for _ in DIMENSIONS)
    days = {"link": link_id, "first_day": reading.first_day, "end_day": reading.end_day}
    for dimension, value, total in connection.execute(_VALUES, days).all():
        values[dimension][value] = total
    return values


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(((value, total) for value, total in counter.items() if total > 0), key=lambda one: (-one[1], one[0]))
