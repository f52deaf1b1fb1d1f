"""Requests that are counted elsewhere while they can be, and in the database while they cannot: never twice a limit."""

from shortmcp.adapters.database import Database
from shortmcp.core.limits import UNSEEN, WINDOW_MILLISECONDS, Minute
from shortmcp.core.minutes import CAPACITY, SharedMinutes, StoredMinutes

NOW = 1_780_000_000_000


class Elsewhere:
    """Counts in memory as another machine would, by a clock of its own, as long as it is not away."""

    def __init__(self) -> None:
        self.is_away = False
        self.seconds = 0.0
        self.minutes: dict[int, tuple[float, int]] = {}

    def add(self, token_id: int, seen: Minute) -> Minute | None:
        if self.is_away:
            return None
        began, requests = self.minutes.get(token_id, (self.seconds + seen.left / 1000 - 60, 0))
        self.minutes[token_id] = began, max(requests, seen.requests) + 1
        return Minute(self.minutes[token_id][1], round((began + 60 - self.seconds) * 1000))

    def clock(self) -> float:
        return self.seconds


def make(database: Database) -> tuple[Elsewhere, SharedMinutes]:
    elsewhere = Elsewhere()
    return elsewhere, SharedMinutes(elsewhere, StoredMinutes(database.write), elsewhere.clock)


def test_a_count_goes_with_its_minute_to_the_database_and_back(database: Database) -> None:
    elsewhere, shared = make(database)
    assert [shared.add(1, NOW).requests for _ in range(3)] == [1, 2, 3]
    elsewhere.is_away, elsewhere.seconds = True, 10.0
    assert shared.add(1, NOW) == Minute(4, 50_000)
    assert shared.add(1, NOW) == Minute(5, 50_000)
    assert shared.add(2, NOW) == Minute(1, WINDOW_MILLISECONDS)
    elsewhere.is_away = False
    assert shared.add(1, NOW) == Minute(6, 50_000)
    # One that has lost everything learns how far they were.
    elsewhere.minutes.clear()
    assert shared.add(1, NOW) == Minute(7, 50_000)


def test_a_minute_that_is_over_is_not_gone_on_with(database: Database) -> None:
    elsewhere, shared = make(database)
    assert shared.add(1, NOW) == Minute(1, WINDOW_MILLISECONDS)
    elsewhere.is_away, elsewhere.seconds = True, 60.0
    assert shared.add(1, NOW) == Minute(1, WINDOW_MILLISECONDS)


def test_what_others_counted_in_the_database_is_not_forgotten(database: Database) -> None:
    elsewhere, shared = make(database)
    stored = StoredMinutes(database.write)
    assert [stored.add(1, NOW).requests for _ in range(5)] == [1, 2, 3, 4, 5]
    shared.add(1, NOW)
    elsewhere.is_away = True
    assert shared.add(1, NOW + 1000) == Minute(6, 59_000)


def test_what_this_process_has_seen_counts_where_others_have_counted_less(database: Database) -> None:
    elsewhere, shared = make(database)
    StoredMinutes(database.write).add(1, NOW)
    assert [shared.add(1, NOW).requests for _ in range(3)] == [1, 2, 3]
    elsewhere.is_away = True
    assert shared.add(1, NOW) == Minute(4, WINDOW_MILLISECONDS)


def test_what_is_remembered_has_a_bound(database: Database) -> None:
    elsewhere, shared = make(database)
    for token in range(CAPACITY + 1):
        shared.add(token, NOW)
    elsewhere.is_away = True
    assert shared.add(0, NOW).requests == 1
    assert shared.add(CAPACITY, NOW).requests == 2
    assert UNSEEN.requests == 0
