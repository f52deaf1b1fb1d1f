"""Many rows at once into PostgreSQL: COPY for the clicks, one statement over arrays for each kind of count."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shortmcp.clicks.counting import ClickColumns, Counts, Visitor
from shortmcp.clicks.storing.statements import CLICK_COLUMNS, COUNTS, VISITOR_COLUMNS

_TYPES = {
    "link_totals": ("int", "int", "int", "int"),
    "link_days": ("int", "int", "int", "int", "int"),
    "link_quarters": ("int", "int", "int", "int", "int"),
    "link_values": ("int", "int", "smallint", "text", "int"),
}


class PostgresStore:
    """See `Store`. Other nodes write meanwhile."""

    def __init__(self, connection: Any) -> None:
        # psycopg's: an optional part of the project.
        self._connection = connection

    def existing_links(self, ids: Sequence[int]) -> set[int]:
        """Those of the links that exist; whoever deletes one waits for its last clicks, or they would stay."""
        query = "SELECT id FROM links WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE"
        return {row[0] for row in self._connection.execute(query, (_numbers(ids),))}

    def add_visitors(self, visitors: Collection[Visitor]) -> Iterable[Visitor]:
        """Remember visitors; returns those who had not been seen."""
        return self._connection.execute(_ADD_VISITORS, _arrays(visitors)).fetchall() if visitors else ()

    def take_ids(self, number: int) -> Sequence[int]:
        """The next ids of the sequence."""
        query = "SELECT nextval(pg_get_serial_sequence('clicks', 'id')) FROM generate_series(1, %s)"
        return [row[0] for row in self._connection.execute(query, (number,))]

    def add_clicks(self, rows: Iterable[ClickColumns], ids: Sequence[int] | None = None) -> None:
        """Add one row a click."""
        columns = CLICK_COLUMNS if ids is None else f"id, {CLICK_COLUMNS}"
        numbered = rows if ids is None else ((id_, *row) for id_, row in zip(ids, rows, strict=True))
        with self._connection.cursor() as cursor, cursor.copy(f"COPY clicks ({columns}) FROM STDIN") as copy:
            for row in numbered:
                copy.write_row(row)

    def add_counts(self, counts: Counts) -> None:
        """Add to the counts."""
        for statement, rows in zip(
            _ADD_COUNTS, (counts.totals, counts.days, counts.quarters, counts.values), strict=True
        ):
            if rows:
                self._connection.execute(statement, _arrays(rows))


def _arrays(rows: Iterable[Sequence[Any]]) -> list[str]:
    """The columns of rows as PostgreSQL's array literals: a third of what the driver's own lists cost."""
    columns = zip(*rows, strict=True)
    return [_words(column) if isinstance(column[0], str) else _numbers(column) for column in columns]


def _numbers(values: Iterable[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _words(values: Iterable[str]) -> str:
    # Between quotes a literal knows two signs: the one that ends it, and the one that takes a meaning away.
    return '{"' + '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values) + '"}'


def _insert(table: str, columns: str, types: Iterable[str]) -> str:
    # Names from our own table of statements, never text from outside.
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    return f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})"  # noqa: S608


_ADD_VISITORS = (
    f"{_insert('visitors', VISITOR_COLUMNS, ('int', 'int', 'bigint'))} "
    f"ON CONFLICT DO NOTHING RETURNING {VISITOR_COLUMNS}"
)
_ADD_COUNTS = tuple(
    f"{_insert(table, columns, _TYPES[table])} ON CONFLICT {grow}" for table, (columns, grow) in COUNTS.items()
)
