"""Counts: whatever is counted in whatever batches, they equal what one gets by counting the clicks anew."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shortmcp.adapters.database import Database
from shortmcp.clicks import counting
from shortmcp.clicks.counting import DIMENSIONS, ClickBatch
from shortmcp.clicks.enrich import Click
from shortmcp.clicks.storing import open_store
from shortmcp.core.analytics import tables

DAY = 86_400_000
MIDNIGHT = 1_779_926_400_000
PLACES = st.sampled_from([MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 899_999, MIDNIGHT + 900_000, MIDNIGHT + DAY])


def make_click(
    link: int, at: int, visitor: int, *, country: str = "AT", browser: str = "chrome", bot: bool = False
) -> tuple[Click, int]:
    """A click and its visitor."""
    return Click(link, at, bot, "unverified", country, "de", "mobile", "ios", browser, "", "", "", "", ""), visitor


def store(database: Database, pairs: list[tuple[Click, int]]) -> None:
    """Write clicks and their counts as one batch."""
    batch = ClickBatch([click for click, _ in pairs], [visitor for _, visitor in pairs])
    with database.write() as connection:
        tables = open_store(connection)
        firsts = [batch.first_places[visitor] for visitor in tables.add_visitors(batch.first_places.keys())]
        tables.add_clicks(batch.rows(firsts))
        tables.add_counts(batch.count(firsts))


def firsts_of(database: Database, pairs: list[tuple[Click, int]]) -> list[bool]:
    """Which of the clicks are stored as the first ones of their visitors."""
    store(database, pairs)
    with database.read() as connection:
        return [bool(first) for first in connection.execute(text("SELECT is_first FROM clicks ORDER BY id")).scalars()]


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
            for table, keys in (("link_totals", 1), ("link_days", 2), ("link_quarters", 2), ("link_values", 4))
        }
    totals, days, quarters = (dict[object, Counter[str]]() for _ in range(3))
    values = Counter[object]()
    seen: set[object] = set()
    for click in clicks:
        link, at, bot = click["link_id"], click["clicked_at"], bool(click["is_bot"])
        visitor = (link, at // DAY, click["visitor"])
        assert bool(click["is_first"]) == (not bot and visitor not in seen)
        if not bot:
            seen.add(visitor)
            values.update((link, at // DAY, number, click[name]) for number, name in enumerate(DIMENSIONS))
        for counts, key in ((totals, (link,)), (days, (link, at // DAY)), (quarters, (link, at // 900_000))):
            counts.setdefault(key, Counter()).update(total=not bot, firsts=bool(click["is_first"]), bots=bot)
    for table, counts in (("link_totals", totals), ("link_days", days), ("link_quarters", quarters)):
        expected = {key: (one["total"], one["firsts"], one["bots"]) for key, one in counts.items()}
        assert counted[table] == expected
    assert counted["link_values"] == {key: (total,) for key, total in values.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(CLICKS, max_size=12), max_size=4))
def test_counts_equal_a_recount_of_the_clicks(database: Database, batches: list[list[tuple[Click, int]]]) -> None:
    with database.write() as connection:
        for table in ("clicks", "link_totals", "link_days", "link_quarters", "link_values", "visitors"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    for batch in batches:
        store(database, batch)
    recount(database)


def test_a_visitor_is_new_once_a_day_on_each_link(database: Database) -> None:
    places = [(1, MIDNIGHT), (1, MIDNIGHT + 5), (2, MIDNIGHT), (1, MIDNIGHT + DAY), (1, MIDNIGHT - 1)]
    clicks = [make_click(link, at, 42) for link, at in places]
    assert firsts_of(database, clicks) == [True, False, True, True, True]
    assert firsts_of(database, clicks)[len(clicks) :] == [False] * len(clicks)


def test_bots_are_no_visitors_and_leave_the_next_person_new(database: Database) -> None:
    bot, person = (make_click(1, MIDNIGHT, 42, bot=is_bot) for is_bot in (True, False))
    assert firsts_of(database, [bot, person]) == [False, True]


def test_values_are_stored_under_the_numbers_that_analytics_read_them_by() -> None:
    assert counting.DIMENSIONS == tables.DIMENSIONS
    assert (counting.DAY_MILLISECONDS, counting.QUARTER_MILLISECONDS) == (
        tables.DAY_MILLISECONDS,
        tables.QUARTER_MILLISECONDS,
    )
