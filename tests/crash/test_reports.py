"""Reports over several processes: each is sent once, also where one of them is killed while it sends."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from desks import EARLY, Desk, open_desk
from journals import eventually
from mailboxes import Mailbox, open_mailbox
from shortmcp.app.node import make_node
from shortmcp.core.reports.periods import Cadence, period_before
from shortmcp.core.reports.scheduling import take_turn
from shortmcp.settings import Settings

REPORTER = Path(__file__).with_name("reporter.py")
PROJECTS, RECIPIENTS = 6, 12


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def desk(database_url: str, tmp_path: Path, mailbox: Mailbox) -> Iterator[Desk]:
    settings = Settings(data_dir=tmp_path, database_url=database_url, base_url="https://sho.example")
    with open_desk(make_node(settings), mailbox) as opened:
        yield opened


def make_due(desk: Desk, projects: int, recipients: int) -> None:
    """Projects whose recipients have all said yes, and whose reports of a week are to be made."""
    everybody = ",".join(f"p{number}@example.com" for number in range(recipients))
    desk.now = EARLY - timedelta(days=3)
    for number in range(projects):
        desk.perform("create_project", name=f"Project {number}", weekly_report_recipients=everybody)
    with desk.node.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM jobs")
        connection.exec_driver_sql("UPDATE report_contacts SET confirmed_at = 0")
        take_turn(connection, period_before(Cadence.WEEKLY, EARLY.date()), EARLY, EARLY)


def start(desk: Desk, mailbox: Mailbox) -> subprocess.Popen[bytes]:
    settings = desk.node.settings
    given = {
        "SHORTMCP_DATABASE_URL": settings.database_url,
        "SHORTMCP_DATA_DIR": str(settings.data_dir),
        "SHORTMCP_BASE_URL": settings.base_url,
        "SHORTMCP_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
    }
    return subprocess.Popen([sys.executable, REPORTER], env={**os.environ, **given}, stderr=subprocess.DEVNULL)


def test_two_processes_send_each_report_once(desk: Desk, mailbox: Mailbox) -> None:
    make_due(desk, PROJECTS, RECIPIENTS)
    processes = [start(desk, mailbox) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    sent = Counter((str(mail["To"]), str(mail["Subject"])) for mail in mailbox.mails)
    assert (len(sent), set(sent.values())) == (PROJECTS * RECIPIENTS, {1})
    assert desk.rows("SELECT state, count(*) FROM report_sends GROUP BY state") == [("sent", len(sent))]


def test_a_report_whose_process_is_killed_at_the_answer_is_not_sent_again(desk: Desk, mailbox: Mailbox) -> None:
    make_due(desk, 1, 1)
    mailbox.hold = Event()
    process = start(desk, mailbox)
    eventually(lambda: len(mailbox.mails) == 1)
    process.kill()
    process.wait(10)
    mailbox.hold.set()
    # When the lease of the one that was killed has ended.
    desk.now = datetime.now(UTC) + timedelta(seconds=61)
    desk.do_jobs()
    assert desk.rows("SELECT count(*) FROM jobs") == [(0,)]
    assert (len(mailbox.mails), desk.rows("SELECT state FROM report_sends")) == (1, [("unknown",)])


def test_a_report_whose_process_is_killed_before_the_contents_is_sent_by_another(desk: Desk, mailbox: Mailbox) -> None:
    make_due(desk, 1, 1)
    mailbox.hold_recipients = Event()
    process = start(desk, mailbox)
    eventually(lambda: mailbox.asked == 1)
    process.kill()
    process.wait(10)
    mailbox.hold_recipients.set()
    desk.now = datetime.now(UTC) + timedelta(seconds=61)
    desk.do_jobs()
    assert (len(mailbox.mails), desk.rows("SELECT state FROM report_sends")) == (1, [("sent",)])
