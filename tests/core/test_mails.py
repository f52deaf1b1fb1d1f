"""Mails to owners: written with what they tell of, not more than a day's, and never with a header in them."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from journals import eventually
from mailboxes import open_mailbox
from shortmcp.adapters.database import Database
from shortmcp.app.background import make_job_runner
from shortmcp.app.node import make_node
from shortmcp.core import mails
from shortmcp.core.jobs import claim, finish
from shortmcp.core.mails import Letter, mail_owner, read_mail, render
from shortmcp.settings import Settings

NOW = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)
LETTER = Letter(
    "A link is unsafe", ("It was switched off.", "Look at it."), ("Open it", "https://sho.example/?a=1&b=2")
)


@pytest.fixture
def database(database: Database) -> Database:
    """Workspaces with an owner's address (1) and without (2)."""
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO workspaces (id, name, slug, plan, created_at, owner_email) "
                "VALUES (1, 'Main <b>', 'main', 'pro', 0, 'ann@example.com'), (2, 'B', 'b', 'pro', 0, NULL)"
            )
        )
    return database


def write(database: Database, workspace_id: int = 1, now: datetime = NOW, **given: Any) -> bool:
    with database.write() as connection:
        return mail_owner(connection, workspace_id, LETTER, now, **given)


def waiting(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(text("SELECT count(*) FROM jobs")).scalar_one()


def test_an_owner_s_mail_is_sent_once_after_the_transaction_and_again_after_a_temporary_refusal(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mails, "MAIL_DELAYS", (0.0,))
    monkeypatch.setattr("shortmcp.app.background.MAIL_DELAYS", (0.0,))
    with open_mailbox("451 Later") as mailbox:
        smtp_url = f"smtp://127.0.0.1:{mailbox.port}"
        node = make_node(
            Settings(data_dir=tmp_path, database_url=database_url, smtp_url=smtp_url, base_url="https://sho.example")
        )
        runner = make_job_runner(node)
        runner.start()
        assert write(database, now=datetime.now(UTC))
        eventually(lambda: waiting(database) == 0)
        runner.stop(10)
        node.database.close()
    [mail] = mailbox.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "shortmcp@sho.example",
        "ann@example.com",
        "A link is unsafe",
    )


def test_a_mail_that_is_refused_for_good_is_a_dead_letter(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with open_mailbox("550 No") as mailbox:
        url = f"smtp://127.0.0.1:{mailbox.port}"
        node = make_node(Settings(data_dir=tmp_path, database_url=database_url, smtp_url=url))
        runner = make_job_runner(node)
        runner.start()
        assert write(database, now=datetime.now(UTC))

        def last_error() -> str | None:
            with database.read() as connection:
                return connection.execute(text("SELECT last_error FROM jobs WHERE state = 'dead'")).scalar()

        eventually(lambda: last_error() == "The mail server answered 550.")
        runner.stop(10)
        node.database.close()


def test_a_workspace_without_an_owner_s_address_gets_no_mail(database: Database) -> None:
    assert not write(database, 2)
    assert not write(database, 99)
    assert waiting(database) == 0


def test_an_equal_mail_that_still_waits_is_not_written_again_and_not_counted(database: Database) -> None:
    assert write(database, dedupe_key="unsafe link 7")
    assert not write(database, dedupe_key="unsafe link 7")
    with database.read() as connection:
        assert connection.execute(text("SELECT mails FROM mail_days")).scalars().all() == [1]


def test_an_owner_gets_so_many_mails_a_day_and_no_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "OWNER_MAILS_A_DAY", 3)
    assert [write(database) for _ in range(5)] == [True, True, True, False, False]
    assert waiting(database) == 3
    assert write(database, now=NOW + timedelta(days=1))


def test_the_key_of_a_mail_is_the_same_at_each_attempt_and_another_s_is_another(database: Database) -> None:
    write(database)
    write(database)
    with database.write() as connection:
        first = claim(connection, ["mail"], NOW, NOW, 9)
        again = claim(connection, ["mail"], NOW, NOW, 9)
        finish(connection, again)
    assert [read_mail(job) for job in first] == [read_mail(job) for job in again]
    assert len({read_mail(job).key for job in first}) == 2


class Texts(HTMLParser):
    """What a page shows and where it leads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.links: list[str | None] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_a_mail_says_the_same_in_text_and_in_html() -> None:
    said = render(LETTER, "You own it.")
    assert said["text"] == (
        "It was switched off.\n\nLook at it.\n\nOpen it:\nhttps://sho.example/?a=1&b=2\n\n-- \nYou own it.\n"
    )
    page = Texts(said["html"])
    assert {"A link is unsafe", "It was switched off.", "Look at it.", "Open it", "You own it."} <= set(page.shown)
    assert page.links == ["https://sho.example/?a=1&b=2"]


def test_foreign_text_stays_text_in_the_page_and_one_line_in_the_subject() -> None:
    foreign = '</p><script>x</script><a href="https://evil.example">{0}{subject}%s</a>'
    said = render(Letter(f"Hi\r\nBcc: eve@example.com\0\ud800\u2028{foreign}", (foreign,)), foreign)
    assert said["subject"].startswith("Hi Bcc: eve@example.com </p><script>")
    assert "\n" not in said["subject"]
    page = Texts(said["html"])
    assert not page.tags & {"script", "a"}
    assert foreign in page.shown
