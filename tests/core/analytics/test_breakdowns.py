"""Which clicks are read one by one."""

import pytest

from shortmcp.core.analytics.breakdowns import Reading, plan_reading
from shortmcp.core.analytics.calendar import split_by_day


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # Full UTC days need no clicks.
        (96, 288, Reading(1, 3, (), ())),
        # Vienna: two hours before the first day are added, the last two hours of the last day are taken away.
        (88, 280, Reading(1, 3, ((88, 96),), ((280, 288),))),
        # Los Angeles: the first seven hours of the first day are taken away, seven hours after the last are added.
        (124, 316, Reading(1, 3, ((288, 316),), ((96, 124),))),
        # Half a day is read as it is.
        (48, 144, Reading(0, 0, ((48, 96), (96, 144)), ())),
        # Both ends within one UTC day.
        (97, 100, Reading(0, 0, ((97, 100),), ())),
        (100, 190, Reading(1, 2, (), ((96, 100), (190, 192)))),
        (97, 97, Reading(0, 0, (), ())),
    ],
)
def test_of_a_cut_day_the_part_with_fewer_clicks_is_read(start: int, end: int, expected: Reading) -> None:
    pieces = split_by_day(start, end)

    # A click in each quarter-hour.
    assert plan_reading(pieces, lambda start, end: end - start) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Los Angeles in the evening: the last seven hours of its day lie in a UTC day that has just begun.
        (300, Reading(1, 4, (), ((96, 124),))),
        # An hour after its end: fewer clicks have come since than before.
        (320, Reading(1, 4, (), ((96, 124), (316, 384)))),
        # Nothing yet: neither part is read.
        (288, Reading(1, 3, (), ((96, 124),))),
    ],
)
def test_of_a_day_that_has_not_ended_no_clicks_are_read_before_its_edge_has_passed(now: int, expected: Reading) -> None:
    def clicks_in(start: int, end: int) -> int:
        return max(min(end, now) - start, 0)

    assert plan_reading(split_by_day(124, 316), clicks_in) == expected
