"""A report arrives once, whatever the mail server says, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from desks import DUE, SENDER, WEEK, Desk, add_project, sign_up, states, subjects
from journals import eventually
from mailboxes import Mailbox, open_mute_server
from shortmcp.adapters.smtp import SmtpMailer


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
