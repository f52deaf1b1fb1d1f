"""Reports go to those who have said yes, in their hour, and to nobody else."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desks import DUE, EARLY, SENDER, WEEK, Desk, add_project, find_address, open_desk, sign_up, states, subjects
from mailboxes import Mailbox
from shortmcp.adapters.smtp import SmtpMailer
from shortmcp.app.node import make_node
from shortmcp.settings import Settings


def test_a_recipient_is_asked_once_and_gets_reports_after_a_yes(desk: Desk, mailbox: Mailbox) -> None:
    add_project(desk, weekly_report_recipients="Ann@Example.com", monthly_report_recipients="ann@example.com")
    desk.run()
    add_project(desk, "Winter", weekly_report_recipients="ann@example.com")
    desk.run()
    assert subjects(mailbox.mails) == [("ann@example.com", "Do you want reports from Main?")]
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
    desk.now = DUE + timedelta(minutes=1)
    desk.answer(mails["ann@example.com"], "confirm")
    desk.run(DUE + timedelta(minutes=2))
    assert (mailbox.mails, states(desk)) == ([], [])
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
    assert states(desk) == ["sent"] * 3


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


def test_a_suspended_workspace_sends_nothing(desk: Desk, mailbox: Mailbox) -> None:
    sign_up(desk, mailbox, "ann@example.com")
    add_project(desk, "Winter", weekly_report_recipients="bob@example.com")
    with desk.node.database.write() as connection:
        connection.exec_driver_sql("UPDATE workspaces SET suspended_at = 0")
    desk.run(DUE)
    assert (mailbox.mails, states(desk)) == ([], [])


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


def test_reports_beyond_the_mails_of_a_day_come_on_the_next(
    database_url: str, tmp_path: Path, mailbox: Mailbox
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, base_url="https://sho.example", report_mails=3)
    with open_desk(make_node(settings), mailbox) as desk:
        desk.now = EARLY - timedelta(days=3)
        add_project(desk, weekly_report_recipients=",".join(f"p{number}@example.com" for number in range(5)))
        with desk.node.database.write() as connection:
            connection.exec_driver_sql("UPDATE report_contacts SET confirmed_at = 0")
        desk.run(DUE)
        assert sorted(states(desk)) == ["sent"] * 3 + ["waiting"] * 2
        desk.run(DUE + timedelta(days=1))
        assert states(desk) == ["sent"] * 5
        assert len({str(mail["To"]) for mail in mailbox.mails}) == len(mailbox.mails) == 5


def test_nobody_is_asked_by_more_than_three_workspaces_a_day(desk: Desk, mailbox: Mailbox) -> None:
    for number in range(5):
        desk.open_workspace(f"Main {number}")
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
        assert "Do you want reports from Main?" in logged
        assert "ann@example.com" not in logged
        assert "/reports/" not in logged
        desk.mailer = SmtpMailer(mailbox.server, SENDER)
        desk.run(DUE)
    assert subjects(mailbox.mails) == [("ann@example.com", "Do you want reports from Main?")]
