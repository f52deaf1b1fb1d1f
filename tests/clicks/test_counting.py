"""Counts: whatever is counted in whatever batches, they equal what one gets by counting the clicks anew."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shortmcp.adapters.database import Database
from shortmcp.clicks import counting
from shortmcp.clicks.counting import DIMENSIONS, StoredClick, count_clicks, insert_clicks, mark_first
from shortmcp.clicks.enrich import Click
from shortmcp.core.analytics import tables

DAY = 86_400_000
MIDNIGHT = 1_779_926_400_000
PLACES = st.sampled_from([MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 899_999, MIDNIGHT + 900_000, MIDNIGHT + DAY])


def make_click(
    link: int, at: int, visitor: int, *, country: str = "AT", browser: str = "chrome", bot: bool = False
) -> StoredClick:
    click = Click(link, at, "unverified", country, "de", "mobile", "ios", browser, "", "", "", "", "", bot)
    return StoredClick(click, visitor)


CLICKS = st.builds(
    make_click,
    link=st.integers(1, 2),
    at=PLACES,
    visitor=st.sampled_from([-(2**63), -1, 0, 2**63 - 1]),
    country=st.sampled_from(["AT", "DE", "unverified"]),
    browser=st.sampled_from(["chrome", "firefox"]),
    bot=st.booleans(),
)


def recount(database: Database) -> None:
    """Assert that every count equals what the clicks say."""
    with database.read() as connection:
        clicks = connection.execute(text("SELECT * FROM clicks ORDER BY id")).mappings().all()
        counted = {
            table: {tuple(row[:keys]): tuple(row[keys:]) for row in connection.execute(text(f"SELECT * FROM {table}"))}  # noqa: S608
            for table, keys in (("link_days", 2), ("link_quarters", 2), ("link_values", 4))
        }
    days, quarters, values = dict[object, Counter[str]](), dict[object, Counter[str]](), Counter[object]()
    seen: set[object] = set()
    for click in clicks:
        link, at, bot = click["link_id"], click["clicked_at"], bool(click["is_bot"])
        visitor = (link, at // DAY, click["visitor"])
        assert bool(click["is_first"]) == (not bot and visitor not in seen)
        if not bot:
            seen.add(visitor)
            values.update((link, at // DAY, number, click[name]) for number, name in enumerate(DIMENSIONS))
        for counts, key in ((days, (link, at // DAY)), (quarters, (link, at // 900_000))):
            counts.setdefault(key, Counter()).update(total=not bot, firsts=bool(click["is_first"]), bots=bot)
    for table, counts in (("link_days", days), ("link_quarters", quarters)):
        expected = {key: (one["total"], one["firsts"], one["bots"]) for key, one in counts.items()}
        assert counted[table] == expected
    assert counted["link_values"] == {key: (total,) for key, total in values.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(CLICKS, max_size=12), max_size=4))
def test_counts_equal_a_recount_of_the_clicks(database: Database, batches: list[list[StoredClick]]) -> None:
    with database.write() as connection:
        for table in ("clicks", "link_days", "link_quarters", "link_values", "visitors"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    for batch in batches:
        for stored in batch:
            stored.is_first = False
        with database.write() as connection:
            mark_first(connection, batch)
            insert_clicks(connection, batch)
            count_clicks(connection, batch)
    recount(database)


def test_a_visitor_is_new_once_a_day_on_each_link(database: Database) -> None:
    places = [(1, MIDNIGHT), (1, MIDNIGHT + 5), (2, MIDNIGHT), (1, MIDNIGHT + DAY), (1, MIDNIGHT - 1)]
    clicks = [make_click(link, at, 42) for link, at in places]
    with database.write() as connection:
        mark_first(connection, clicks)
    assert [click.is_first for click in clicks] == [True, False, True, True, True]


def test_bots_are_no_visitors_and_leave_the_next_person_new(database: Database) -> None:
    bot, person = (make_click(1, MIDNIGHT, 42, bot=is_bot) for is_bot in (True, False))
    with database.write() as connection:
        mark_first(connection, [bot, person])
    assert (bot.is_first, person.is_first) == (False, True)


def test_values_are_stored_under_the_numbers_that_analytics_read_them_by() -> None:
    assert counting.DIMENSIONS == tables.DIMENSIONS
    assert (counting.DAY_MILLISECONDS, counting.QUARTER_MILLISECONDS) == (
        tables.DAY_MILLISECONDS,
        tables.QUARTER_MILLISECONDS,
    )
