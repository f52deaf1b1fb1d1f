"""Taking old clicks away in bounded steps: those of deleted links, and those outside a plan's history."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from sqlalchemy import Connection, text

DAY_MILLISECONDS = 86_400_000
STEP = 5_000
Transaction = Callable[[], AbstractContextManager[Connection]]
# The tables of a link's counts, and what tells their rows apart.
_COUNTS = {
    "link_days": "day",
    "link_quarters": "quarter",
    "link_values": "day, dimension, value",
    "visitors": "day, visitor",
    "link_totals": "total",
}
# Days last: they tell that there is something left to do.
_OLD_COUNTS = (
    "DELETE FROM link_values WHERE link_id = :link AND day < :day",
    "DELETE FROM link_quarters WHERE link_id = :link AND quarter < :day * 96",
    "DELETE FROM link_days WHERE link_id = :link AND day < :day",
)


def purge_deleted_links(transaction: Transaction) -> int:
    """Take one step for one deleted link; returns how many rows went, 0 when nothing is left to do."""
    with transaction() as connection:
        link_id = connection.execute(text("SELECT min(link_id) FROM link_purges")).scalar()
        if link_id is None:
            return 0
        gone = _delete_clicks(connection, link_id, before=2**62)
        for table, rest_of_key in _COUNTS.items():
            if gone < STEP:
                gone += _delete_counts(connection, link_id, table, rest_of_key, STEP - gone)
        if gone < STEP:
            connection.execute(text("DELETE FROM link_purges WHERE link_id = :link"), {"link": link_id})
        return gone + 1


def purge_history(read: Transaction, write: Transaction, cutoffs: Mapping[str, int]) -> int:
    """Take one step for each link whose plan no longer reaches as far back as its clicks; returns how many rows went.

    `cutoffs` gives, by the plan's name, the UTC day (since 1970) before which clicks of its workspaces may go. Counts
    go with their clicks: a later plan with a longer history must not find the one without the other.
    """
    return sum(
        purge_old_clicks(write, link_id, day) for plan, day in cutoffs.items() for link_id in _links_of(read, plan, day)
    )


def purge_old_clicks(transaction: Transaction, link_id: int, day: int) -> int:
    """Take one step for the clicks of a link before a UTC day, and for their counts once the clicks are gone."""
    with transaction() as connection:
        gone = _delete_clicks(connection, link_id, day * DAY_MILLISECONDS)
        if gone < STEP:
            for statement in _OLD_COUNTS:
                gone += connection.execute(text(statement), {"link": link_id, "day": day}).rowcount
        return gone


def _links_of(read: Transaction, plan: str, day: int) -> list[int]:
    query = text(
        "SELECT l.id FROM links l JOIN workspaces w ON w.id = l.workspace_id WHERE w.plan = :plan "
        "AND EXISTS (SELECT 1 FROM link_days d WHERE d.link_id = l.id AND d.day < :day)"
    )
    with read() as connection:
        return list(connection.execute(query, {"plan": plan, "day": day}).scalars())


def _delete_clicks(connection: Connection, link_id: int, before: int) -> int:
    return connection.execute(
        text(
            "DELETE FROM clicks WHERE id IN "
            "(SELECT id FROM clicks WHERE link_id = :link AND clicked_at < :before ORDER BY clicked_at LIMIT :step)"
        ),
        {"link": link_id, "before": before, "step": STEP},
    ).rowcount


def _delete_counts(connection: Connection, link_id: int, table: str, rest_of_key: str, step: int) -> int:
    # Names from the table above, never text from outside.
    some = f"SELECT link_id, {rest_of_key} FROM {table} WHERE link_id = :link LIMIT :step"  # noqa: S608
    return connection.execute(
        text(f"DELETE FROM {table} WHERE (link_id, {rest_of_key}) IN ({some})"),  # noqa: S608
        {"link": link_id, "step": step},
    ).rowcount
