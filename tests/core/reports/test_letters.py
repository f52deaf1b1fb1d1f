"""When reports are due, and what they look like in text and HTML."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from samples import HOSTILE, MONTH, NOTHING, SAMPLES, WEEK
from shortmcp.core.reports.numbers import TopLink
from shortmcp.core.reports.periods import Cadence, Period, latest_period, period_before, period_from
from shortmcp.core.reports.rendering import name_period, write_invitation, write_report

UNSUBSCRIBE = "https://sho.example/reports/unsubscribe/7.3.0123456789abcdef0123456789abcdef"


class Letter(HTMLParser):
    """What stands in a mail; fails where a tag is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.shown = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.shown += data


@pytest.mark.parametrize(
    ("now", "zone", "week", "month"),
    [
        ("2026-06-08T06:59:59", "UTC", "2026-05-25", "2026-05-01"),
        ("2026-06-08T07:00:00", "UTC", "2026-06-01", "2026-05-01"),
        ("2026-06-08T05:00:00", "Europe/Vienna", "2026-06-01", "2026-05-01"),
        ("2026-06-08T04:59:00", "Europe/Vienna", "2026-05-25", "2026-05-01"),
        ("2026-06-30T23:30:00", "Pacific/Kiritimati", "2026-06-22", "2026-06-01"),
        ("2026-07-01T06:59:00", "UTC", "2026-06-22", "2026-05-01"),
        ("2026-01-01T07:00:00", "UTC", "2025-12-22", "2025-12-01"),
        ("2024-03-01T07:00:00", "UTC", "2024-02-19", "2024-02-01"),
    ],
)
def test_a_report_is_due_at_seven_on_the_day_after_its_period(now: str, zone: str, week: str, month: str) -> None:
    moment, where = datetime.fromisoformat(now).replace(tzinfo=UTC), ZoneInfo(zone)
    found = {cadence: latest_period(cadence, moment, where) for cadence in Cadence}
    assert {cadence: period.first.isoformat() for cadence, period in found.items()} == {
        Cadence.WEEKLY: week,
        Cadence.MONTHLY: month,
    }
    for period in found.values():
        assert period.due_at(where) <= moment
        assert period_from(period.cadence, period.first) == period
        assert latest_period(period.cadence, period.due_at(where), where) == period
        assert latest_period(period.cadence, period.due_at(where) - timedelta(seconds=1), where) == period.before


@pytest.mark.parametrize("cadence", Cadence)
def test_periods_follow_on_each_other_without_a_gap(cadence: Cadence) -> None:
    period = period_before(cadence, date(2028, 3, 15))
    for _ in range(60):
        assert period.before.last + timedelta(1) == period.first
        period = period.before
    assert cadence is Cadence.MONTHLY or period.first.weekday() == 0


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2026-06-01", "2026-06-07", "1 to 7 June 2026"),
        ("2026-06-29", "2026-07-05", "29 June to 5 July 2026"),
        ("2025-12-29", "2026-01-04", "29 December 2025 to 4 January 2026"),
    ],
)
def test_a_week_has_a_name(first: str, last: str, name: str) -> None:
    assert name_period(Period(Cadence.WEEKLY, date.fromisoformat(first), date.fromisoformat(last))) == name


@pytest.mark.parametrize("name", SAMPLES)
def test_the_html_is_well_formed_and_takes_nothing_from_anywhere(name: str) -> None:
    written = write_report(SAMPLES[name], "Garden", UNSUBSCRIBE)
    letter = Letter(written.html)
    assert written.html.startswith("<!doctype html>\n")
    assert not {"img", "svg", "script", "link", "iframe", "object", "form"} & set(letter.tags)
    assert {value for key, value in letter.attributes if key in {"href", "src", "background"}} == {UNSUBSCRIBE}
    assert "url(" not in written.html
    # Mail programs cut what is longer.
    assert len(written.html.encode()) < 102_400


@pytest.mark.parametrize("name", SAMPLES)
def test_text_and_html_show_the_same_numbers(name: str) -> None:
    report = SAMPLES[name]
    written = write_report(report, "Garden", UNSUBSCRIBE)
    shown = Letter(written.html).shown
    for link in report.links:
        for where in (shown, written.text):
            assert link.title in where
            assert link.address in where
            assert f"{link.total:,}" in where
    for where in (shown, written.text):
        assert f"{report.total:,}" in where
        assert report.timezone in where
        assert "Garden" in where
    days = re.findall(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ +(#*) +([0-9,]+)$", written.text, re.MULTILINE)
    assert [int(total.replace(",", "")) for _, total in days] == [total for _, total in report.days if report.total]
    assert [bool(signs) for signs, _ in days] == [total != "0" for _, total in days]
    assert UNSUBSCRIBE in written.text


def test_bars_are_as_long_as_their_numbers_say() -> None:
    html = write_report(MONTH, "Garden", None).html
    heights = [int(height) for height in re.findall(r'class="bar" height="(\d+)"', html)]
    most = max(total for _, total in MONTH.days)
    assert heights == [max(2, round(96 * total / most)) for _, total in MONTH.days if total]
    widths = [int(width) for width in re.findall(r'class="bar" width="(\d+)%"', html)]
    assert widths[:5] == [100, 64, 34, 17, 2]
    assert max(widths) == 100


def test_the_subject_tells_the_number_and_the_change_is_told_in_words() -> None:
    assert write_report(MONTH, "Garden", None).subject == "Summer programme: 14,466 clicks, June 2026"
    said = {
        "more": MONTH,
        "fewer": replace(MONTH, change=-3.25),
        "as many": WEEK,
        "none in": replace(WEEK, previous=0, change=None),
        "history": NOTHING,
    }
    texts = {word: write_report(report, "Garden", None).text.splitlines()[3] for word, report in said.items()}
    assert texts == {
        "more": "14,466 clicks: 15.9 % more than in the month before (12,480).",
        "fewer": "14,466 clicks: 3.2 % fewer than in the month before (12,480).",
        "as many": "2,069 clicks: as many as in the week before (2,069).",
        "none in": "2,069 clicks: none in the week before.",
        "history": "0 clicks: the week before lies outside of the plan's history.",
    }


def test_a_report_that_the_history_cuts_says_so() -> None:
    cut = replace(MONTH, first=date(2026, 6, 4), days=MONTH.days[3:])
    for where in (write_report(cut, "L", None).text, write_report(cut, "L", None).html):
        assert "Counted from 4 June on, where the plan's history begins." in where
    assert "Counted from" not in write_report(MONTH, "L", None).html


def test_what_is_behind_the_first_names_is_one_row_and_nothing_is_lost() -> None:
    rows = write_report(MONTH, "Garden", None).text.partition("COUNTRIES\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split("  ")[-1] for row in rows][-1] == "Others"
    numbers = [int(re.findall(r"([0-9,]+)  ", row)[0].replace(",", "")) for row in rows]
    assert (len(numbers), sum(numbers)) == (7, sum(total for _, total in MONTH.countries))


def test_foreign_text_stays_text_and_one_line() -> None:
    hostile = replace(
        MONTH,
        project=HOSTILE,
        links=[TopLink(HOSTILE, "s.example/a", 1)],
        countries=[("Austria", 1)],
        referrers=[(HOSTILE, 1)],
    )
    written = write_report(hostile, HOSTILE, UNSUBSCRIBE)
    letter = Letter(written.html)
    assert "script" not in letter.tags
    assert letter.shown.count("<script>alert(1)</script>{{ 7*7 }}&amp; Bcc: eve@example.com") >= 4
    assert "\u202e" not in written.html + written.text
    assert "\nBcc" not in written.subject + written.text
    assert "\r" not in written.subject + written.text


def test_an_invitation_holds_no_free_text_and_both_addresses() -> None:
    confirm = UNSUBSCRIBE.replace("unsubscribe", "confirm")
    written = write_invitation("Garden " * 40, "summer-" * 40, confirm, UNSUBSCRIBE)
    assert len(written.subject) < 100
    assert len(written.text) < 800
    letter = Letter(written.html)
    assert {value for key, value in letter.attributes if key == "href"} == {confirm, UNSUBSCRIBE}
    assert confirm in written.text
    assert UNSUBSCRIBE in written.text
