"""Taking old clicks away in bounded steps: those of deleted links, and those outside a plan's history.

A step ends after a number of rows or a time, whatever comes first: a link's clicks lie among all others', and where
each is on a page of its own, a thousand take as long as a hundred thousand on a quiet instance.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from sqlalchemy import Connection, text

DAY_MILLISECONDS = 86_400_000
QUARTERS_A_DAY = 96
STEP = 5_000
# Rows that one statement takes away, and seconds after which no other one is begun: on SQLite nobody writes meanwhile.
AT_ONCE = 100
STEP_SECONDS = 0.02
Transaction = Callable[[], AbstractContextManager[Connection]]
Timer = Callable[[], float]
# What tells the rows of a table apart, and in which order the database finds those of a link.
_KEYS = {
    "clicks": ("id", "clicked_at"),
    "link_days": ("link_id, day", "day"),
    "link_quarters": ("link_id, quarter", "quarter"),
    "link_values": ("link_id, day, dimension, value", "day, dimension, value"),
    "visitors": ("link_id, day, visitor", "day, visitor"),
    "link_totals": ("link_id", "link_id"),
}
# Days last: they tell that there is something left to do.
_OLD = {
    "clicks": "clicked_at < :before",
    "link_values": "day < :day",
    "link_quarters": "quarter < :quarter",
    "link_days": "day < :day",
}


def purge_deleted_links(transaction: Transaction, timer: Timer = time.monotonic) -> int:
    """Take one step for one deleted link; returns how many rows went, 0 when nothing is left to do."""
    with transaction() as connection:
        link_id = connection.execute(text("SELECT min(link_id) FROM link_purges")).scalar()
        if link_id is None:
            return 0
        step = _Step(connection, timer)
        for table in _KEYS:
            step.delete(table, "TRUE", {"link": link_id})
        if not step.is_over:
            connection.execute(text("DELETE FROM link_purges WHERE link_id = :link"), {"link": link_id})
        return step.gone + 1


def purge_history(
    read: Transaction, write: Transaction, cutoffs: Mapping[str, int], timer: Timer = time.monotonic
) -> int:
    """Take one step for each link whose plan no longer reaches as far back as its clicks; returns how many rows went.

    `cutoffs` gives, by the plan's name, the UTC day (since 1970) before which clicks of its workspaces may go. Counts
    go with their clicks: a later plan with a longer history must not find the one without the other.
    """
    return sum(
        purge_old_clicks(write, link_id, day, timer)
        for plan, day in cutoffs.items()
        for link_id in _links_of(read, plan, day)
    )


def purge_old_clicks(transaction: Transaction, link_id: int, day: int, timer: Timer = time.monotonic) -> int:
    """Take one step for the clicks of a link before a UTC day, and for their counts once the clicks are gone."""
    values = {"link": link_id, "day": day, "quarter": day * QUARTERS_A_DAY, "before": day * DAY_MILLISECONDS}
    with transaction() as connection:
        step = _Step(connection, timer)
        for table, condition in _OLD.items():
            step.delete(table, condition, values)
        return step.gone


class _Step:
    """Takes rows of a link away, table by table, until its time or its number of rows is used up."""

    def __init__(self, connection: Connection, timer: Timer) -> None:
        self.gone = 0
        self._connection = connection
        self._timer = timer
        self._end = timer() + STEP_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether another step has to go on; one that has done nothing is not over, however slow the database is."""
        return self.gone >= STEP or (self.gone > 0 and self._timer() >= self._end)

    def delete(self, table: str, condition: str, values: Mapping[str, int]) -> None:
        """Take those rows of a table away, the oldest first, as far as the step reaches."""
        # Names and conditions from the tables above, never text from outside.
        key, order = _KEYS[table]
        some = f"SELECT {key} FROM {table} WHERE link_id = :link AND {condition} ORDER BY {order} LIMIT :number"  # noqa: S608
        statement = text(f"DELETE FROM {table} WHERE ({key}) IN ({some})")  # noqa: S608
        while not self.is_over:
            number = min(AT_ONCE, STEP - self.gone)
            gone = self._connection.execute(statement, {**values, "number": number}).rowcount
            self.gone += gone
            if gone < number:
                return


def _links_of(read: Transaction, plan: str, day: int) -> list[int]:
    query = text(
        "SELECT l.id FROM links l JOIN workspaces w ON w.id = l.workspace_id WHERE w.plan = :plan "
        "AND EXISTS (SELECT 1 FROM link_days d WHERE d.link_id = l.id AND d.day < :day)"
    )
    with read() as connection:
        return list(connection.execute(query, {"plan": plan, "day": day}).scalars())
