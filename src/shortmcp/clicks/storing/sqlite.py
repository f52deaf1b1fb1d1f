"""Many rows at once into SQLite: prepared statements, run again and again without leaving the driver."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence

from shortmcp.clicks.counting import ClickColumns, Counts, Visitor
from shortmcp.clicks.storing.statements import CLICK_COLUMNS, COUNTS, VISITOR_COLUMNS


class SqliteStore:
    """See `Store`. Nobody else writes meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def existing_links(self, ids: Sequence[int]) -> set[int]:
        """Those of the links that exist."""
        query = "SELECT id FROM links WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._connection.execute(query, (json.dumps(ids),))}

    def add_visitors(self, visitors: Collection[Visitor]) -> Iterable[Visitor]:
        """Remember visitors; returns those who had not been seen."""
        new: list[Visitor] = []
        self._connection.executemany(_ADD_VISITOR, self._watch(visitors, new))
        return new

    def take_ids(self, number: int) -> Sequence[int]:
        """The next ids: whoever adds these clicks first gets them."""
        found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'clicks'").fetchone()
        last = found[0] if found else 0
        return range(last + 1, last + 1 + number)

    def add_clicks(self, rows: Iterable[ClickColumns], ids: Sequence[int] | None = None) -> None:
        """Add one row a click."""
        if ids is None:
            self._connection.executemany(_ADD_CLICK, rows)
        else:
            self._connection.executemany(_ADD_NUMBERED, ((id_, *row) for id_, row in zip(ids, rows, strict=True)))

    def add_counts(self, counts: Counts) -> None:
        """Add to the counts."""
        for statement, rows in zip(
            _ADD_COUNTS, (counts.totals, counts.days, counts.quarters, counts.values), strict=True
        ):
            self._connection.executemany(statement, rows)

    def _watch(self, visitors: Collection[Visitor], new: list[Visitor]) -> Iterator[Visitor]:
        # `executemany` asks for a row when it has done the one before: what has changed in between tells whether that
        # one was new, without a statement of its own for each.
        changes = self._connection.total_changes
        for visitor in visitors:
            yield visitor
            if self._connection.total_changes != changes:
                changes += 1
                new.append(visitor)


def _insert(table: str, columns: str) -> str:
    # Names from our own table of statements, never text from outside.
    places = ", ".join("?" * len(columns.split(",")))
    return f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608


_ADD_VISITOR = f"{_insert('visitors', VISITOR_COLUMNS)} ON CONFLICT DO NOTHING"
_ADD_CLICK = _insert("clicks", CLICK_COLUMNS)
_ADD_NUMBERED = _insert("clicks", f"id, {CLICK_COLUMNS}")
_ADD_COUNTS = tuple(f"{_insert(table, columns)} ON CONFLICT {grow}" for table, (columns, grow) in COUNTS.items())
