"""Old clicks and those of deleted links go in steps that keep nobody waiting."""

from collections.abc import Generator
from contextlib import contextmanager
from itertools import count, pairwise

import pytest
from sqlalchemy import Connection, text

from rows import insert_links
from shortmcp.adapters.database import Database
from shortmcp.clicks import purge
from shortmcp.clicks.purge import purge_deleted_links, purge_history, purge_old_clicks

TABLES = ("clicks", "link_days", "link_quarters", "link_values", "visitors")
SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
ROWS = {
    "clicks (link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, browser, "
    "utm_source, utm_medium, utm_campaign, utm_term, utm_content)": ":link, i, false, false, i" + ", ''" * 11,
    "link_days": ":link, i, 1, 1, 0",
    "link_quarters": ":link, i, 1, 1, 0",
    "link_values": ":link, i, 0, 'x', 1",
    "visitors": ":link, i, i",
}


def never_late() -> float:
    """A clock for steps that are to end by their number of rows."""
    return 0.0


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> int:
    """A small step, so that few rows make many."""
    monkeypatch.setattr(purge, "STEP", 100)
    return 100


def fill(connection: Connection, link: int, rows: int) -> None:
    """So many rows in each table; the clicks are at milliseconds 1, 2, 3, ..."""
    for table, values in ROWS.items():
        insert = f"INSERT INTO {table} {SERIES} SELECT {values} FROM n"  # noqa: S608
        connection.execute(text(insert), {"link": link, "rows": rows})


def sizes(database: Database, link: int) -> list[int]:
    with database.read() as connection:
        query = "SELECT count(*) FROM {} WHERE link_id = {}"
        return [connection.execute(text(query.format(table, link))).scalar_one() for table in TABLES]


def test_everything_of_a_deleted_link_goes_in_steps_and_nothing_of_another(database: Database, step: int) -> None:
    with database.write() as connection:
        fill(connection, 1, 250)
        fill(connection, 2, 10)
        connection.execute(text("INSERT INTO link_purges (link_id) VALUES (1)"))
    left = [sum(sizes(database, 1))]
    while purge_deleted_links(database.write, never_late):
        left.append(sum(sizes(database, 1)))
    assert left[-1] == 0
    assert max(before - after for before, after in pairwise(left)) <= step
    assert sizes(database, 2) == [10] * 5
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM link_purges")).scalar_one() == 0


def test_nothing_to_purge_is_nothing_done(database: Database) -> None:
    assert purge_deleted_links(database.write) == 0


def test_old_clicks_go_first_and_their_counts_with_the_last_of_them(database: Database, step: int) -> None:
    with database.write() as connection:
        fill(connection, 1, 250)
    # Every click of `fill` lies in the first day of all, day 0; its counts are spread over 250 days and quarters.
    assert [purge_old_clicks(database.write, 1, 1, never_late) for _ in range(5)] == [100, 100, 50 + 50, 45, 0]
    assert sizes(database, 1) == [0, 250, 155, 250, 250]
    assert [purge_old_clicks(database.write, 1, 251, never_late) for _ in range(8)] == [100] * 6 + [55, 0]
    assert sizes(database, 1) == [0, 0, 0, 0, 250]


def test_history_is_cut_where_each_workspace_s_plan_ends_and_in_short_transactions(
    database: Database, step: int
) -> None:
    with database.write() as connection:
        for number, plan in ((1, "free"), (2, "unlimited")):
            connection.execute(
                text("INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (:id, 'A', :slug, :plan, 0)"),
                {"id": number, "slug": plan, "plan": plan},
            )
            connection.execute(
                text("INSERT INTO projects VALUES (:id, :id, 'A', :slug, NULL, NULL, NULL, 0, 0)"),
                {"id": number, "slug": plan},
            )
            insert_links(connection, [{"id": number, "workspace_id": number, "project_id": number, "short_code": plan}])
            fill(connection, number, 250)
    writes = 0

    @contextmanager
    def write() -> Generator[Connection]:
        nonlocal writes
        writes += 1
        with database.write() as connection:
            yield connection

    assert purge_history(database.read, database.write, {"free": 1}, never_late) == 0
    gone = [purge_history(database.read, write, {"free": 251}, never_late) for _ in range(12)]
    assert gone == [100] * 10 + [0, 0]
    assert (sizes(database, 1), sizes(database, 2), writes) == ([0, 0, 0, 0, 250], [250] * 5, 10)


@pytest.mark.parametrize("what", ["a deleted link", "old clicks"])
def test_a_step_ends_when_its_time_is_over(database: Database, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(purge, "AT_ONCE", 10)
    with database.write() as connection:
        fill(connection, 1, 250)
        connection.execute(text("INSERT INTO link_purges (link_id) VALUES (1)"))
    moments = count(step=purge.STEP_SECONDS / 3)

    def timer() -> float:
        return next(moments)

    def step() -> int:
        if what == "a deleted link":
            return purge_deleted_links(database.write, timer)
        return purge_old_clicks(database.write, 1, 251, timer)

    left = [sum(sizes(database, 1))]
    while step():
        left.append(sum(sizes(database, 1)))
    assert left[-1] == (0 if what == "a deleted link" else 250)
    # The clock goes on by a third of the step's time whenever it is looked at.
    assert max(before - after for before, after in pairwise(left)) <= 40
