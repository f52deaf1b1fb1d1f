"""Clicks as rows and as counts, in whatever transaction they are handed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from shortmcp.clicks.enrich import Click
from shortmcp.clicks.tables import Visitor

DAY_MILLISECONDS = 86_400_000
QUARTER_MILLISECONDS = 900_000
# In the order of their numbers in `link_values`.
DIMENSIONS = ("referrer", "country", "language", "device", "os", "browser")


@dataclass(slots=True)
class StoredClick:
    """A click with its visitor's hash; `is_first` tells whether it is the visitor's first one of the UTC day.

    `id` is None where the database is to choose it.
    """

    click: Click
    visitor: int
    is_first: bool = False
    id: int | None = None

    @property
    def day(self) -> int:
        """Days since 1970 in UTC."""
        return self.click.at // DAY_MILLISECONDS

    @property
    def key(self) -> tuple[int, int, int]:
        """What makes a visitor of a link on a day."""
        return self.click.link_id, self.day, self.visitor


def mark_first(connection: Connection, clicks: list[StoredClick]) -> None:
    """Set `is_first` where the visitor had not been seen on the link that day; bots are no visitors."""
    people = [stored for stored in clicks if not stored.click.bot]
    keys = sorted({stored.key for stored in people})
    if not keys:
        return
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(Visitor)
    query = insert.on_conflict_do_nothing().returning(col(Visitor.link_id), col(Visitor.day), col(Visitor.visitor))
    rows = [{"link_id": link, "day": day, "visitor": visitor} for link, day, visitor in keys]
    new = {(link, day, visitor) for link, day, visitor in connection.execute(query, rows)}
    for stored in people:
        stored.is_first = stored.key in new
        new.discard(stored.key)


def number_clicks(connection: Connection, clicks: Sequence[StoredClick]) -> None:
    """Give clicks their ids before they are added: those that somebody else is to be told of by id."""
    if not clicks:
        return
    if connection.dialect.name == "sqlite":
        # Nobody else writes meanwhile.
        last = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'clicks'")).scalar() or 0
        ids: Iterable[int] = range(last + 1, last + 1 + len(clicks))
    else:
        query = text("SELECT nextval(pg_get_serial_sequence('clicks', 'id')) FROM generate_series(1, :number)")
        ids = connection.execute(query, {"number": len(clicks)}).scalars()
    for stored, number in zip(clicks, ids, strict=True):
        stored.id = number


def insert_clicks(connection: Connection, clicks: list[StoredClick]) -> None:
    """Add one row a click; those that have their ids first, for others' are chosen after the highest one."""
    numbered = [_row(stored) for stored in clicks if stored.id is not None]
    if numbered:
        connection.execute(_INSERT_NUMBERED, numbered)
    others = [_row(stored) for stored in clicks if stored.id is None]
    if others:
        connection.execute(_INSERT_CLICK, others)


def count_clicks(connection: Connection, clicks: list[StoredClick]) -> None:
    """Add the clicks to the counts of their days and quarter-hours, and people's to those of their values."""
    days, quarters, values = _Tally(), _Tally(), Counter[tuple[int, int, int, str]]()
    for stored in clicks:
        click = stored.click
        days.add((click.link_id, stored.day), stored)
        quarters.add((click.link_id, click.at // QUARTER_MILLISECONDS), stored)
        if not click.bot:
            values.update(
                (click.link_id, stored.day, number, getattr(click, name)) for number, name in enumerate(DIMENSIONS)
            )
    # In sorted order, so that two nodes that count the same links cannot wait for each other in a circle.
    _upsert(connection, _UPSERT_TOTAL, days.rows())
    _upsert(connection, _UPSERT_DAY, days.rows())
    _upsert(connection, _UPSERT_QUARTER, quarters.rows())
    _upsert(
        connection,
        _UPSERT_VALUE,
        [
            {"link": link, "day": day, "dimension": number, "value": value, "total": total}
            for (link, day, number, value), total in sorted(values.items())
        ],
    )


class _Tally:
    def __init__(self) -> None:
        self._totals = Counter[tuple[int, int]]()
        self._firsts = Counter[tuple[int, int]]()
        self._bots = Counter[tuple[int, int]]()

    def add(self, key: tuple[int, int], stored: StoredClick) -> None:
        (self._bots if stored.click.bot else self._totals)[key] += 1
        if stored.is_first:
            self._firsts[key] += 1

    def rows(self) -> list[dict[str, int]]:
        return [
            {
                "link": key[0],
                "period": key[1],
                "total": self._totals[key],
                "firsts": self._firsts[key],
                "bots": self._bots[key],
            }
            for key in sorted({*self._totals, *self._bots})
        ]


def _upsert(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _row(stored: StoredClick) -> dict[str, Any]:
    return {**asdict(stored.click), "visitor": stored.visitor, "is_first": stored.is_first, "id": stored.id}


_COLUMNS = (
    "link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, browser, "
    "utm_source, utm_medium, utm_campaign, utm_term, utm_content"
)
_VALUES = (
    ":link_id, :at, :bot, :is_first, :visitor, :referrer, :country, :language, :device, :os, :browser, "
    ":utm_source, :utm_medium, :utm_campaign, :utm_term, :utm_content"
)
_INSERT_CLICK = text(f"INSERT INTO clicks ({_COLUMNS}) VALUES ({_VALUES})")  # noqa: S608 - the words above
_INSERT_NUMBERED = text(f"INSERT INTO clicks (id, {_COLUMNS}) VALUES (:id, {_VALUES})")  # noqa: S608 - the same
_UPSERT_TOTAL = text(
    "INSERT INTO link_totals (link_id, total, uniques, bots) VALUES (:link, :total, :firsts, :bots) "
    "ON CONFLICT (link_id) DO UPDATE SET total = link_totals.total + excluded.total, "
    "uniques = link_totals.uniques + excluded.uniques, bots = link_totals.bots + excluded.bots"
)
_UPSERT_DAY = text(
    "INSERT INTO link_days (link_id, day, total, uniques, bots) VALUES (:link, :period, :total, :firsts, :bots) "
    "ON CONFLICT (link_id, day) DO UPDATE SET total = link_days.total + excluded.total, "
    "uniques = link_days.uniques + excluded.uniques, bots = link_days.bots + excluded.bots"
)
_UPSERT_QUARTER = text(
    "INSERT INTO link_quarters (link_id, quarter, total, firsts, bots) "
    "VALUES (:link, :period, :total, :firsts, :bots) "
    "ON CONFLICT (link_id, quarter) DO UPDATE SET total = link_quarters.total + excluded.total, "
    "firsts = link_quarters.firsts + excluded.firsts, bots = link_quarters.bots + excluded.bots"
)
_UPSERT_VALUE = text(
    "INSERT INTO link_values (link_id, day, dimension, value, total) "
    "VALUES (:link, :day, :dimension, :value, :total) "
    "ON CONFLICT (link_id, day, dimension, value) DO UPDATE SET total = link_values.total + excluded.total"
)
