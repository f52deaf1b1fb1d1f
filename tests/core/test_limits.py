"""Counting requests and guesses while clocks are read in another order than the counts are written."""

from dataclasses import replace

import pytest

from shortmcp.adapters.database import Database
from shortmcp.core.context import OPERATOR
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.limits import add_request, check_request
from shortmcp.core.passwords import hash_password
from shortmcp.core.plans import DEFAULT_PLANS

CALLER = replace(OPERATOR, token_id=1, plan=DEFAULT_PLANS["basic"])
MINUTE, HOUR = 60_000, 3_600_000


def remaining(database: Database, *moments: int) -> list[int]:
    left: list[int] = []
    for now in moments:
        with database.write() as connection:
            left.append(check_request(CALLER, add_request(connection, CALLER.token_id, now)))
    return left


def test_a_request_that_read_the_clock_earlier_is_in_the_same_minute(database: Database) -> None:
    assert remaining(database, 9000, 9001, 9000, 8999, 9001) == [59, 58, 57, 56, 55]


def test_a_minute_ends_sixty_seconds_after_it_began(database: Database) -> None:
    assert remaining(database, HOUR, HOUR + MINUTE - 1, HOUR + MINUTE) == [59, 58, 59]


def test_a_clock_that_was_set_back_does_not_keep_a_caller_out(database: Database) -> None:
    assert remaining(database, 3 * HOUR, HOUR, HOUR + 1) == [59, 59, 58]


@pytest.mark.parametrize("addresses", [["192.0.2.1"], ["2001:db8::1", "2001:db8::2", "2001:db8::ffff"]])
def test_ten_wrong_guesses_in_ten_minutes_are_all_that_one_visitor_has(
    database: Database, addresses: list[str]
) -> None:
    moment = 10 * HOUR
    keeper, hashed = Doorkeeper(database.write, b"key", lambda: moment), hash_password("open sesame")
    for number in range(10):
        # The clocks of two processes are never quite the same.
        moment += (-1) ** number
        assert not keeper.check("link:1", addresses[number % len(addresses)], "wrong", hashed)
    with pytest.raises(OperationError) as refusal:
        keeper.check("link:1", addresses[0], "open sesame", hashed)
    assert (refusal.value.code, refusal.value.retry_after) == (Code.RATE_LIMITED, 601)
    assert keeper.check("link:1", "198.51.100.1", "open sesame", hashed)
    assert keeper.check("link:2", addresses[0], "open sesame", hashed)
    moment += 10 * MINUTE + 1
    assert keeper.check("link:1", addresses[0], "open sesame", hashed)


def test_sixty_wrong_guesses_in_an_hour_are_all_that_a_link_has(database: Database) -> None:
    moment = 10 * HOUR
    keeper, hashed = Doorkeeper(database.write, b"key", lambda: moment), hash_password("open sesame")
    for number in range(60):
        assert not keeper.check("link:1", f"198.51.100.{number}", "wrong", hashed)
    with pytest.raises(OperationError) as refusal:
        keeper.check("link:1", "192.0.2.1", "open sesame", hashed)
    assert refusal.value.retry_after == 3600


def test_a_pass_is_good_for_its_subject_and_password_until_it_ends(database: Database) -> None:
    moment = 10 * HOUR
    keeper = Doorkeeper(database.write, b"key", lambda: moment)
    shown = keeper.make_pass("link:1", "hash")
    assert keeper.is_pass(shown, "link:1", "hash")
    assert not keeper.is_pass(shown, "link:2", "hash")
    assert not keeper.is_pass(shown, "link:1", "another hash")
    assert not Doorkeeper(database.write, b"other", lambda: moment).is_pass(shown, "link:1", "hash")
    later = "9" + shown[1:]
    assert not keeper.is_pass(later, "link:1", "hash")
    moment += 12 * HOUR
    assert not keeper.is_pass(shown, "link:1", "hash")
