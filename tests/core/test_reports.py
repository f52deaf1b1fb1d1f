"""Reports by mail: asked for, confirmed, sent once in their hour, and never to somebody who has not said yes."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from desks import EARLY, SENDER, Desk, find_address, open_desk
from journals import eventually
from mailboxes import Mailbox, open_mailbox, open_mute_server
from shortmcp.adapters.smtp import SmtpMailer
from shortmcp.app.node import make_node
from shortmcp.settings import Settings

DUE = EARLY + timedelta(hours=1)
WEEK = timedelta(days=7)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Where every mail arrives."""
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def desk(database_url: str, tmp_path: Path, mailbox: Mailbox) -> Iterator[Desk]:
    """A workspace without projects, on Sunday noon, a day before reports are due."""
    node = make_node(Settings(data_dir=tmp_path, database_url=database_url, base_url="https://sho.example"))
    with open_desk(node, mailbox) as opened:
        opened.now = EARLY - timedelta(hours=18)
        yield opened


def add_project(desk: Desk, name: str = "Summer", **fields: Any) -> Any:
    return desk.perform("create_project", name=name, **fields)


def sign_up(desk: Desk, mailbox: Mailbox, *addresses: str, **fields: Any) -> Any:
    """A project whose recipients have all said yes; the mailbox is empty again."""
    project = add_project(desk, weekly_report_recipients=",".join(addresses), **fields)
    desk.run()
    for mail in mailbox.mails:
        desk.answer(mail, "confirm")
    mailbox.clear()
    return project


def subjects(mails: list[EmailMessage]) -> list[tuple[str, str]]:
    return sorted((str(mail["To"]), str(mail["Subject"])) for mail in mails)


def states(desk: Desk) -> list[str]:
    return [row[0] for row in desk.rows("SELECT state FROM report_sends ORDER BY project_id, contact_id, first_day")]


def test_a_recipient_is_asked_once_and_gets_reports_after_a_yes(desk: Desk, mailbox: Mailbox) -> None:
    add_project(desk, weekly_report_recipients="Ann@Example.com", monthly_report_recipients="ann@example.com")
    desk.run()
    add_project(desk, "Winter", weekly_report_recipients="ann@example.com")
    desk.run()
    assert subjects(mailbox.mails) == [("ann@example.com", "Do you want reports from Acme?")]
    desk.answer(mailbox.mails.pop(), "confirm")
    desk.run(DUE - timedelta(seconds=1))
    assert mailbox.mails == []
    desk.run(DUE)
    assert subjects(mailbox.mails) == [
        ("ann@example.com", "Summer: 0 clicks, 1 to 7 June 2026"),
        ("ann@example.com", "Winter: 0 clicks, 1 to 7 June 2026"),
    ]
    desk.run(DUE + timedelta(days=3))
    assert (len(mailbox.mails), states(desk)) == (2, ["sent", "sent"])


def test_nobody_gets_a_report_without_a_yes_and_a_late_yes_is_for_the_next_one(desk: Desk, mailbox: Mailbox) -> None:
    add_project(desk, weekly_report_recipients="ann@example.com,bob@example.com")
    desk.run()
    mails = {str(mail["To"]): mail for mail in mailbox.mails}
    mailbox.clear()
    desk.run(DUE)
    desk.now = DUE + timedelta(minutes=1)
    desk.answer(mails["ann@example.com"], "confirm")
    desk.run(DUE + timedelta(days=1))
    assert mailbox.mails == []
    desk.run(DUE + WEEK)
    assert subjects(mailbox.mails) == [("ann@example.com", "Summer: 0 clicks, 8 to 14 June 2026")]


def test_reports_of_weeks_and_of_months_go_to_those_who_are_named_for_them(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com", monthly_report_recipients="bob@example.com")
    desk.run(datetime(2026, 7, 1, 7, tzinfo=UTC))
    assert subjects(mailbox.mails) == [
        ("ann@example.com", "Summer: 0 clicks, 22 to 28 June 2026"),
        ("bob@example.com", "Summer: 0 clicks, June 2026"),
    ]


def test_after_a_time_away_only_the_latest_report_is_sent(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    desk.run(DUE + 3 * WEEK + timedelta(days=2))
    assert subjects(mailbox.mails) == [("ann@example.com", "Summer: 0 clicks, 22 to 28 June 2026")]


def test_a_report_that_waited_until_a_newer_one_came_is_not_sent(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = ["451 Later"] * 2
    desk.run(DUE)
    with desk.node.database.write() as connection:
        # By eight days.
        connection.exec_driver_sql("UPDATE jobs SET run_at = run_at + 691200000000 WHERE kind = 'report_mail'")
    desk.run(DUE + WEEK)
    mailbox.refusals.clear()
    desk.run(DUE + timedelta(days=9))
    assert [subject for _, subject in subjects(mailbox.mails)] == ["Summer: 0 clicks, 8 to 14 June 2026"]
    assert states(desk) == ["dropped", "sent"]


def test_a_mail_can_be_unsubscribed_with_one_click_and_says_so(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    desk.run(DUE)
    [mail] = mailbox.mails
    assert mail["List-Unsubscribe"] == f"<{find_address(mail, 'unsubscribe')}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<https://sho\.example/reports/unsubscribe/[0-9.a-f]+>", str(mail["List-Unsubscribe"]))


def test_who_has_had_enough_of_a_project_gets_the_others_reports(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    add_project(desk, "Winter", weekly_report_recipients="ann@example.com")
    desk.run(DUE)
    desk.answer(next(mail for mail in mailbox.mails if "Summer" in str(mail["Subject"])), "unsubscribe")
    mailbox.clear()
    desk.run(DUE + WEEK)
    assert subjects(mailbox.mails) == [("ann@example.com", "Winter: 0 clicks, 8 to 14 June 2026")]


def test_a_no_to_the_invitation_is_for_ever_and_a_yes_takes_it_back(desk: Desk, mailbox: Mailbox) -> None:
    add_project(desk, weekly_report_recipients="ann@example.com")
    desk.run()
    invitation = mailbox.mails.pop()
    assert invitation["List-Unsubscribe"] == f"<{find_address(invitation, 'unsubscribe')}>"
    desk.answer(invitation, "unsubscribe")
    desk.now += timedelta(days=90)
    desk.perform("update_project", project="summer", weekly_report_recipients="ann@example.com")
    desk.run()
    assert mailbox.mails == []
    desk.answer(invitation, "confirm")
    desk.run(desk.now + WEEK)
    assert len(mailbox.mails) == 1


def test_who_does_not_answer_is_asked_again_only_when_named_anew_after_a_month(desk: Desk, mailbox: Mailbox) -> None:
    add_project(desk, weekly_report_recipients="ann@example.com")
    desk.run()
    for days in (29, 2):
        desk.now += timedelta(days=days)
        desk.perform("update_project", project="summer", weekly_report_recipients="ann@example.com")
        desk.run()
        assert len(mailbox.mails) == (1 if days == 29 else 2)


def test_who_is_not_named_any_more_gets_nothing_that_still_waits(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = ["451 Later"]
    desk.run(DUE)
    desk.perform("update_project", project="summer", weekly_report_recipients=None)
    desk.run(DUE + timedelta(hours=1))
    assert (mailbox.mails, states(desk)) == ([], ["dropped"])


def test_a_project_that_is_deleted_takes_its_reports_along(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = ["451 Later"]
    desk.run(DUE)
    desk.perform("delete_project", project="summer")
    desk.run(DUE + timedelta(hours=1))
    assert (mailbox.mails, states(desk)) == ([], ["dropped"])


def test_a_suspended_workspace_sends_nothing(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    add_project(desk, "Winter", weekly_report_recipients="bob@example.com")
    with desk.node.database.write() as connection:
        connection.exec_driver_sql("UPDATE workspaces SET suspended_at = 0")
    desk.run(DUE)
    assert (mailbox.mails, states(desk)) == ([], [])


@pytest.mark.parametrize("refusal", ["451 Greylisted", "DATA 452 Full"])
def test_a_report_that_is_refused_for_now_comes_later(desk: Desk, mailbox: Mailbox, refusal: str) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = [refusal]
    desk.run(DUE)
    assert (mailbox.mails, states(desk)) == ([], ["waiting"])
    desk.run(DUE + timedelta(minutes=2))
    assert (len(mailbox.mails), states(desk)) == (1, ["sent"])
    assert desk.rows("SELECT mails FROM report_days") == [(1,)]


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n"])
def test_a_mail_server_that_hangs_gets_the_report_later(desk: Desk, mailbox: Mailbox, greeting: bytes) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    with open_mute_server(greeting) as server:
        desk.mailer = SmtpMailer(server, SENDER, deadline=0.2)
        desk.run(DUE)
    assert states(desk) == ["waiting"]
    desk.mailer = SmtpMailer(mailbox.server, SENDER)
    desk.run(DUE + timedelta(minutes=2))
    assert (len(mailbox.mails), states(desk)) == (1, ["sent"])


def test_an_invitation_that_is_refused_for_now_comes_later_and_for_good_never(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.refusals = ["451 Later"]
    add_project(desk, weekly_report_recipients="ann@example.com")
    desk.run()
    assert desk.rows("SELECT invited_at, (SELECT sum(mails) FROM report_days) FROM report_contacts") == [(None, 0)]
    mailbox.refusals = ["550 Nobody here"]
    desk.run(desk.now + timedelta(minutes=2))
    desk.perform("update_project", project="summer", weekly_report_recipients="ann@example.com")
    desk.run(desk.now + timedelta(days=1))
    assert (mailbox.mails, desk.rows("SELECT count(*) FROM jobs WHERE kind <> 'report_round'")) == ([], [(0,)])


def test_an_address_that_is_refused_for_good_gets_nothing_more_until_it_says_yes(desk: Desk, mailbox: Mailbox) -> None:
    add_project(desk, weekly_report_recipients="ann@example.com")
    desk.run()
    invitation = mailbox.mails.pop()
    desk.answer(invitation, "confirm")
    mailbox.refusals = ["550 Nobody here"]
    desk.run(DUE)
    desk.run(DUE + WEEK)
    assert (mailbox.mails, states(desk)) == ([], ["dropped"])
    desk.answer(invitation, "confirm")
    desk.run(DUE + 2 * WEEK)
    assert len(mailbox.mails) == 1


def test_contents_that_are_refused_for_good_are_a_dead_letter_that_can_be_sent_again(
    desk: Desk, mailbox: Mailbox
) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = ["DATA 554 Spam"]
    desk.run(DUE)
    assert desk.rows("SELECT kind, last_error FROM jobs WHERE state = 'dead'") == [
        ("report_mail", "The mail server answered 554.")
    ]
    with desk.node.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'queued', attempts = 0 WHERE state = 'dead'")
    desk.run(DUE + timedelta(minutes=2))
    assert (len(mailbox.mails), states(desk)) == (1, ["sent"])


def test_a_connection_that_breaks_after_the_contents_sends_no_second_one(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.drops = 1
    desk.run(DUE)
    desk.run(DUE + timedelta(days=1))
    assert (len(mailbox.mails), states(desk)) == (1, ["unknown"])


def test_a_report_whose_worker_ended_while_it_was_sent_is_not_sent_again(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = ["451 Later"]
    desk.run(DUE)
    with desk.node.database.write() as connection:
        connection.exec_driver_sql("UPDATE report_sends SET state = 'sending'")
    desk.run(DUE + timedelta(hours=1))
    assert (mailbox.mails, states(desk)) == ([], ["unknown"])


def test_of_two_workers_that_have_the_same_report_at_the_same_moment_one_sends_it(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    mailbox.refusals = ["451 Later"]
    desk.run(DUE)
    mailbox.asked, mailbox.hold_recipients, job = 0, Event(), desk.claim("report_mail", DUE + timedelta(minutes=2))
    with ThreadPoolExecutor(2) as threads:
        workers = [threads.submit(desk.deliver, job) for _ in range(2)]
        eventually(lambda: mailbox.asked == 2)
        mailbox.hold_recipients.set()
        assert [worker.exception() for worker in workers] == [None, None]
    assert (len(mailbox.mails), states(desk)) == (1, ["sent"])


def test_a_workspace_causes_so_many_mails_a_day_and_the_rest_come_on_the_next(
    database_url: str, tmp_path: Path, mailbox: Mailbox
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, base_url="https://sho.example", report_mails=3)
    with open_desk(make_node(settings), mailbox) as desk:
        desk.now = EARLY - timedelta(days=3)
        everybody = ",".join(f"p{number}@example.com" for number in range(5))
        add_project(desk, weekly_report_recipients=everybody)
        desk.run()
        assert len(mailbox.mails) == 3
        desk.run(desk.now + timedelta(hours=3))
        assert len(mailbox.mails) == 3
        desk.run(desk.now + timedelta(days=1))
        assert len({str(mail["To"]) for mail in mailbox.mails}) == len(mailbox.mails) == 5


def test_nobody_is_asked_by_more_than_three_workspaces_a_day(desk: Desk, mailbox: Mailbox) -> None:
    for number in range(5):
        desk.open_workspace(f"Acme {number}")
        add_project(desk, f"Project {number}", weekly_report_recipients="ann@example.com")
    for _ in range(5):
        desk.run()
    assert len(mailbox.mails) == 3
    desk.run(desk.now + timedelta(days=2))
    assert len(mailbox.mails) == 5


def test_a_yes_to_one_workspace_is_none_to_another(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    desk.open_workspace("Rival")
    add_project(desk, "Theirs", weekly_report_recipients="ann@example.com")
    desk.run(DUE)
    assert subjects(mailbox.mails) == [
        ("ann@example.com", "Do you want reports from Rival?"),
        ("ann@example.com", "Summer: 0 clicks, 1 to 7 June 2026"),
    ]


def test_without_a_mail_server_nothing_breaks_and_who_was_not_asked_is_asked_when_there_is_one(
    database_url: str, tmp_path: Path, mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, base_url="https://sho.example")
    node = make_node(settings)
    with open_desk(node, None) as desk:
        add_project(desk, weekly_report_recipients="ann@example.com")
        desk.run()
        logged = "".join(capsys.readouterr())
        assert "Do you want reports from Acme?" in logged
        assert "ann@example.com" not in logged
        assert "/reports/" not in logged
        desk.mailer = SmtpMailer(mailbox.server, SENDER)
        desk.run(DUE)
    assert subjects(mailbox.mails) == [("ann@example.com", "Do you want reports from Acme?")]
