"""Clicks and counts into the tables, by the quickest way that each database has, in a transaction that is handed in."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol, cast

from sqlalchemy import Connection

from shortmcp.clicks.counting import ClickColumns, Counts, Visitor
from shortmcp.clicks.storing.postgres import PostgresStore
from shortmcp.clicks.storing.sqlite import SqliteStore


class Store(Protocol):
    """Writes many rows at once. Whatever two nodes may write alike comes in sorted order, so that they queue up."""

    def existing_links(self, ids: Sequence[int]) -> set[int]:
        """Those of the links that exist, and go on existing until the transaction ends."""
        ...

    def add_visitors(self, visitors: Collection[Visitor]) -> Iterable[Visitor]:
        """Remember visitors; returns those who had not been seen."""
        ...

    def take_ids(self, number: int) -> Sequence[int]:
        """So many ids for clicks that somebody is to be told of."""
        ...

    def add_clicks(self, rows: Iterable[ClickColumns], ids: Sequence[int] | None = None) -> None:
        """Add one row a click; those with ids first, for others' are chosen after the highest one."""
        ...

    def add_counts(self, counts: Counts) -> None:
        """Add to the counts."""
        ...


def open_store(connection: Connection) -> Store:
    """What writes in the connection's transaction."""
    # The driver itself: parameters by name cost more than all that the database does with them.
    driver: Any = cast("Any", connection.connection).driver_connection
    return (SqliteStore if connection.dialect.name == "sqlite" else PostgresStore)(driver)
