"""Periods: months, leap days, clock changes and the ends of the calendar."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortmcp.core.analytics.calendar import (
    History,
    Pieces,
    choose_days,
    earliest_day,
    make_span,
    read_day,
    read_zone,
    shift_months,
    shift_span,
    split_by_day,
    split_by_offset,
    start_of_day,
)
from shortmcp.core.errors import OperationError

TODAY = date(2026, 6, 7)
ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})


@pytest.mark.parametrize("name", ["UTC", "Europe/Vienna", "Asia/Kathmandu", "Etc/GMT+12", "America/Argentina/Ushuaia"])
def test_an_iana_name_is_a_time_zone(name: str) -> None:
    assert read_zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    [
        "localtime",
        "posixrules",
        "Factory",
        "posix/UTC",
        "right/UTC",
        "../etc/passwd",
        "/etc/passwd",
        "Europe",
        "Europe/",
        "europe/vienna",
        "Europe/Vienna ",
        "+01:00",
        "",
        "x" * 10_000,
        "UTC\0",
        "\ud800",
        "zone.tab",
    ],
)
def test_what_is_no_iana_name_is_refused_without_echo(name: str) -> None:
    with pytest.raises(OperationError) as refusal:
        read_zone(name)

    sentence = "`timezone` must be an IANA name, such as UTC or Europe/Vienna, in this spelling."
    assert refusal.value.errors == {"timezone": [sentence]}


@pytest.mark.parametrize(
    "given",
    [
        "2026-6-7",
        "20260607",
        "2026-06-07T00:00",
        " 2026-06-07",
        "2026-06-07\n",
        "\u0662\u0660\u0662\u0666-\u0660\u0666-\u0660\u0667",
        "2026-W23-7",
        "today",
        "",
        "0",
    ],
)
def test_a_date_in_another_form_is_refused(given: str) -> None:
    with pytest.raises(OperationError, match=re.escape("`dateFrom` must be a date as YYYY-MM-DD")) as refusal:
        read_day("dateFrom", given)

    assert list(refusal.value.errors) == ["dateFrom"]


@pytest.mark.parametrize("given", ["2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "2026-04-31"])
def test_a_day_that_does_not_exist_is_refused(given: str) -> None:
    with pytest.raises(OperationError, match="names a day that does not exist") as refusal:
        read_day("dateTo", given)

    assert list(refusal.value.errors) == ["dateTo"]


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-03-31", -1, "2026-02-28"),
        ("2024-03-31", -1, "2024-02-29"),
        ("2026-05-31", -1, "2026-04-30"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2024-02-29", -12, "2023-02-28"),
        ("2023-02-28", -12, "2022-02-28"),
        ("2000-02-29", -1200, "1900-02-28"),
        ("0001-02-01", -1, "0001-01-01"),
        ("0001-01-31", -1, None),
        ("0001-12-31", -12, None),
    ],
)
def test_a_shifted_day_is_kept_within_its_month(day: str, months: int, expected: str | None) -> None:
    assert shift_months(date.fromisoformat(day), months) == (date.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (None, None),
        ((30, "days"), "2026-05-08"),
        ((13, "months"), "2025-05-07"),
        ((37, "months"), "2023-05-07"),
        ((10**9, "days"), "0001-01-01"),
        ((10**9, "months"), "0001-01-01"),
    ],
)
def test_the_history_reaches_back_from_today(history: History, expected: str | None) -> None:
    assert earliest_day(TODAY, history) == (date.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    ("first", "last", "history", "expected"),
    [
        (None, None, None, ("2026-06-01", "2026-06-07")),
        ("2026-05-01", "2026-06-07", None, ("2026-05-01", "2026-06-07")),
        ("2026-06-07", None, None, ("2026-06-07", "2026-06-07")),
        (None, "2026-02-14", None, ("2026-02-01", "2026-02-14")),
        (None, "9999-12-31", None, ("2026-06-01", "2026-06-07")),
        ("2026-06-07", "9999-12-31", None, ("2026-06-07", "2026-06-07")),
        ("0001-01-01", "9999-12-31", None, ("2016-06-07", "2026-06-07")),
        ("0001-01-01", "2024-02-29", None, ("2014-03-01", "2024-02-29")),
        ("0001-01-01", "0001-01-01", None, ("0001-01-01", "0001-01-01")),
        ("0001-01-01", "9999-12-31", (30, "days"), ("2026-05-08", "2026-06-07")),
        ("0001-01-01", None, (1200, "months"), ("2016-06-07", "2026-06-07")),
        (None, "2026-05-08", (30, "days"), ("2026-05-08", "2026-05-08")),
        ("2025-01-01", None, (13, "months"), ("2025-05-07", "2026-06-07")),
    ],
)
def test_the_period_is_what_was_asked_for_as_far_as_it_can_be(
    first: str | None, last: str | None, history: History, expected: tuple[str, str]
) -> None:
    chosen = choose_days(first, last, TODAY, history)

    assert tuple(day.isoformat() for day in chosen) == expected


@pytest.mark.parametrize(
    ("first", "last", "history", "field", "sentence"),
    [
        ("2026-06-02", "2026-06-01", None, "dateFrom", "`dateFrom` must not be after `dateTo`."),
        ("2026-06-08", None, None, "dateFrom", "`dateFrom` must not be after `dateTo`."),
        (
            "2026-06-08",
            "2026-06-09",
            None,
            "dateFrom",
            "`dateFrom` lies in the future: today is 2026-06-07 in this time zone.",
        ),
        (
            None,
            "2026-05-07",
            (30, "days"),
            "dateTo",
            "`dateTo` lies before the plan's history, which begins on 2026-05-08.",
        ),
    ],
)
def test_an_empty_period_is_refused_naming_the_end_at_fault(
    first: str | None, last: str | None, history: History, field: str, sentence: str
) -> None:
    with pytest.raises(OperationError) as refusal:
        choose_days(first, last, TODAY, history)

    assert refusal.value.errors == {field: [sentence]}


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", "2026-06-07", "2026-06-07T00:00", 24),
        ("Europe/Vienna", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Vienna", "2026-10-25", "2026-10-24T22:00", 25),
        ("Asia/Kathmandu", "2026-06-07", "2026-06-06T18:15", 24),
        ("Pacific/Chatham", "2026-06-07", "2026-06-06T11:15", 24),
        ("Pacific/Chatham", "2026-01-07", "2026-01-06T10:15", 24),
        ("Pacific/Kiritimati", "2026-06-07", "2026-06-06T10:00", 24),
        ("Etc/GMT+12", "2026-06-07", "2026-06-07T12:00", 24),
        # The clock jumps from 24:00 to 01:00: the day begins at 01:00.
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00", 23),
        # It goes back from 24:00 to 23:00: the day before has that hour twice.
        ("America/Santiago", "2026-04-04", "2026-04-04T03:00", 25),
        ("America/Santiago", "2026-04-05", "2026-04-05T04:00", 24),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00", 23),
        # It goes back from 01:00 to 00:00: midnight occurs twice and counts the first time.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", 25),
        # Samoa left a whole day out when it changed sides of the date line.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
    ],
)
def test_a_local_day_begins_and_lasts_as_its_clocks_say(zone: str, day: str, begins: str, hours: int) -> None:
    span = make_span(ZoneInfo(zone), date.fromisoformat(day), date.fromisoformat(day))

    assert span.start * 900 == datetime.fromisoformat(begins).replace(tzinfo=UTC).timestamp()
    assert (span.end - span.start) / 4 == hours


def test_the_clock_change_cuts_a_span_in_two() -> None:
    span = make_span(ZoneInfo("Europe/Vienna"), date(2026, 10, 25), date(2026, 10, 25))

    segments = split_by_offset(ZoneInfo("Europe/Vienna"), span)

    assert [(part.end - part.start, part.offset) for part in segments] == [(12, 8), (88, 4)]


def test_the_ends_of_the_calendar_are_within_reach() -> None:
    for zone in (ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12"), ZoneInfo("Europe/Vienna")):
        span = make_span(zone, date.min, date(1970, 1, 2))
        assert len(span.days) == 719_164
        assert split_by_offset(zone, make_span(zone, date.min, date.min)) == []
        assert shift_span(zone, span, -1) is None
        assert start_of_day(zone, date(9999, 12, 30)) > start_of_day(zone, date(9999, 12, 29))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (96, 288, Pieces(1, 3, ())),
        (95, 288, Pieces(1, 3, ((95, 96),))),
        (96, 289, Pieces(1, 3, ((288, 289),))),
        (95, 97, Pieces(1, 1, ((95, 96), (96, 97)))),
        (96, 100, Pieces(1, 1, ((96, 100),))),
        (97, 192, Pieces(2, 2, ((97, 192),))),
        (97, 100, Pieces(2, 2, ((97, 100),))),
        (97, 97, Pieces(2, 2, ())),
        (96, 96, Pieces(1, 1, ())),
    ],
)
def test_a_span_is_full_utc_days_and_the_parts_beside_them(start: int, end: int, expected: Pieces) -> None:
    assert split_by_day(start, end) == expected


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2037, 12, 1)), st.integers(1, 30))
def test_the_days_of_any_zone_follow_on_each_other_without_gap_or_overlap(name: str, first: date, number: int) -> None:
    zone = ZoneInfo(name)
    span = make_span(zone, first, first + timedelta(number - 1))
    spans = [make_span(zone, day, day) for day in span.days]

    assert (spans[0].start, spans[-1].end) == (span.start, span.end)
    assert all(one.start <= one.end == other.start for one, other in pairwise(spans))
    segments = split_by_offset(zone, span)
    assert all(one.end == other.start and one.offset != other.offset for one, other in pairwise(segments))
    assert sum(segment.end - segment.start for segment in segments) == span.end - span.start


# Clocks there went back over midnight, or by other than quarter-hours' times.
@given(st.sampled_from(sorted(set(ZONES) - {"America/St_Johns", "Canada/Newfoundland"})), st.data())
def test_a_moment_belongs_to_the_day_that_its_clocks_show(name: str, data: st.DataObject) -> None:
    zone = ZoneInfo(name)
    quarter = data.draw(st.integers(1_051_920, 2_384_736))
    shown = datetime.fromtimestamp(quarter * 900, zone)
    span = make_span(zone, shown.date(), shown.date())

    assert span.start <= quarter < span.end
    (segment,) = [part for part in split_by_offset(zone, span) if part.start <= quarter < part.end]
    assert ((quarter + segment.offset) // 4) % 24 == shown.hour
