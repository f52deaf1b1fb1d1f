"""`expires_at` over REST: which texts are moments, and what a link does when its moment has come."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calls import URL, make_link
from factories import Server

FORM = "`expires_at` must be an ISO 8601 date and time, such as 2026-06-07T14:30:00+00:00."
NOWHERE = "`expires_at` names a moment that does not exist, or one outside the years 1 to 9999."
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_every_iso_8601_form_is_one_moment_in_utc(server: Server) -> None:
    forms = {
        "2030-06-07T14:30:00+00:00": "2030-06-07T14:30:00+00:00",
        "2030-06-07T14:30:00Z": "2030-06-07T14:30:00+00:00",
        "2030-06-07t14:30:00z": "2030-06-07T14:30:00+00:00",
        "2030-06-07T14:30:00": "2030-06-07T14:30:00+00:00",
        "2030-06-07 14:30": "2030-06-07T14:30:00+00:00",
        "2030-06-07": "2030-06-07T00:00:00+00:00",
        "2030-06-07T14:30:00+14:00": "2030-06-07T00:30:00+00:00",
        "2030-06-07T14:30:00-0930": "2030-06-08T00:00:00+00:00",
        "2030-06-07T14:30:00.123456789Z": "2030-06-07T14:30:00+00:00",
        "9999-12-31T23:59:59Z": "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00Z": "0001-01-01T00:00:00+00:00",
        "2032-02-29": "2032-02-29T00:00:00+00:00",
    }
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="x")
        answers = {typed: client.patch("/links/x", json={"expires_at": typed}).json() for typed in forms}
        assert {typed: answer["data"]["expires_at"] for typed, answer in answers.items()} == forms


def test_what_is_no_moment_is_refused(server: Server) -> None:
    refused = {
        **dict.fromkeys(
            ("", "tomorrow", "1790000000", "2030-W23", "2030-06-07T14", "\uff12030-06-07", "2030-06-07\n"), FORM
        ),
        **dict.fromkeys(("2030-06-07T14:30:00+00:00[UTC]", "20300607T143000Z", "10000-01-01"), FORM),
        # A leap second, a day that is none, an hour that is none, an offset that leads out of the calendar.
        **dict.fromkeys(("2016-12-31T23:59:60Z", "2030-02-30", "2030-06-07T24:01:00Z", "2030-13-01"), NOWHERE),
        **dict.fromkeys(("0000-01-01", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00"), NOWHERE),
    }
    with server.client(server.open_workspace()) as client:
        for typed, sentence in refused.items():
            answer = client.post("/links", json={"original_url": URL, "title": "x", "expires_at": typed})
            assert (typed, answer.status_code, answer.json().get("errors")) == (typed, 422, {"expires_at": [sentence]})
        others: list[Any] = [1790000000, 1.5, True, ["2030-01-01"], {}]
        for typed in others:
            answer = client.post("/links", json={"original_url": URL, "title": "x", "expires_at": typed})
            assert answer.json()["errors"] == {"expires_at": [FORM]}


def test_a_link_stops_at_its_moment_without_being_touched(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        soon = datetime.now(UTC) + timedelta(milliseconds=700)
        made = make_link(client, short_code="brief", expires_at=soon.isoformat(), redirect_url="https://example.com/b")
        assert (made["is_active"], made["is_effectively_active"]) == (True, True)
        before = server.visit("brief").headers["location"]
        assert before == URL or datetime.now(UTC) >= soon
        while datetime.now(UTC) < soon:
            assert server.visit("brief").status_code == 302
        assert server.visit("brief").headers["location"] == "https://example.com/b"
        link = client.get("/links/brief").json()["data"]
        assert (link["is_active"], link["is_effectively_active"]) == (True, False)
        past = make_link(client, expires_at="2020-01-01T00:00:00Z")
        assert past["is_effectively_active"] is False
        assert server.visit(past["short_code"]).status_code == 410
