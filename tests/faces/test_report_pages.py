"""The pages behind the addresses in mails: looking changes nothing, a button does, and so does one click."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
import pytest

from desks import Desk
from dumps import dump
from factories import TLS, Server, start_server
from shortmcp.adapters.smtp import LogMailer
from shortmcp.app.reports import make_report_links
from shortmcp.core.reports.links import Purpose, ReportLinks, Subscription
from shortmcp.settings import Settings

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
MULTIPART = (
    b'--b7\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b7--\r\n',
    {"Content-Type": "multipart/form-data; boundary=b7"},
)


@dataclass(frozen=True)
class Recipient:
    """Somebody who was asked, and the addresses in their mails."""

    server: Server
    confirm: str
    unsubscribe: str

    def get(self, url: str) -> httpx2.Response:
        return httpx2.get(url, trust_env=False, verify=TLS)

    def post(self, url: str, **given: object) -> httpx2.Response:
        return httpx2.post(url, trust_env=False, verify=TLS, **given)  # pyright: ignore[reportArgumentType]

    def answer(self) -> tuple[bool, bool, int]:
        """Whether they have said yes, no, and to how many projects no."""
        with self.server.node.database.read() as connection:
            contact = connection.exec_driver_sql("SELECT confirmed_at, declined_at FROM report_contacts").one()
            stopped = connection.exec_driver_sql("SELECT count(*) FROM report_opt_outs").scalar_one()
        return contact[0] is not None, contact[1] is not None, stopped


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """No mail is sent here."""
    return settings.model_copy(update={"worker": False})


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with ExitStack() as stack:
        yield start_server(settings, stack)


@pytest.fixture
def recipient(server: Server) -> Recipient:
    desk = Desk(server.node, LogMailer())
    desk.open_workspace("Garden")
    project = desk.perform("create_project", name="Summer", weekly_report_recipients="ann@example.com")
    with server.node.database.read() as connection:
        contact_id = connection.exec_driver_sql("SELECT id FROM report_contacts").scalar_one()
    links, subscription = make_report_links(server.node), Subscription(contact_id, project.id)
    return Recipient(server, *(links.make(purpose, subscription) for purpose in Purpose))


def heading(answer: httpx2.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert found is not None
    return found[1]


def test_a_scanner_that_opens_every_address_changes_nothing(recipient: Recipient) -> None:
    before = dump(recipient.server)
    for url in (recipient.confirm, recipient.unsubscribe):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            httpx2.request(method, url, trust_env=False, verify=TLS)
    assert dump(recipient.server) == before
    assert recipient.answer() == (False, False, 0)


def test_a_button_says_yes_and_may_be_pressed_again(recipient: Recipient) -> None:
    assert heading(recipient.get(recipient.confirm)) == "Do you want these reports?"
    pressed = recipient.post(recipient.confirm, data={"stop": "yes"})
    assert (pressed.status_code, heading(pressed)) == (200, "You will get the reports")
    assert pressed.headers["cache-control"] == "private, no-store"
    before = dump(recipient.server)
    assert heading(recipient.post(recipient.confirm)) == "You will get the reports"
    assert heading(recipient.get(recipient.confirm)) == "You will get the reports"
    assert dump(recipient.server) == before


@pytest.mark.parametrize(
    "sent", [{"data": ONE_CLICK}, {"content": MULTIPART[0], "headers": MULTIPART[1]}], ids=["form", "multipart"]
)
def test_one_click_stops_a_project_s_reports_without_cookies_or_a_page_before(
    recipient: Recipient, sent: dict[str, object]
) -> None:
    recipient.post(recipient.confirm)
    done = recipient.post(recipient.unsubscribe, **sent)
    assert (done.status_code, done.history, "set-cookie" in done.headers) == (200, [], False)
    assert recipient.answer() == (True, False, 1)
    recipient.post(recipient.unsubscribe, **sent)
    assert recipient.answer() == (True, False, 1)


def test_the_buttons_stop_a_project_s_reports_or_everything(recipient: Recipient) -> None:
    recipient.post(recipient.confirm)
    asked = recipient.get(recipient.unsubscribe)
    assert 'value="project"' in asked.text
    assert 'value="everything"' in asked.text
    assert (
        heading(recipient.post(recipient.unsubscribe, data={"stop": "project"})) == "You get no more of these reports"
    )
    assert recipient.answer() == (True, False, 1)
    assert heading(recipient.get(recipient.unsubscribe)) == "You get no more of these reports"
    recipient.post(recipient.unsubscribe, data={"stop": "everything"})
    assert recipient.answer() == (False, True, 1)
    recipient.post(recipient.confirm)
    assert recipient.answer() == (True, False, 0)


def test_one_click_on_an_invitation_is_a_no_to_the_workspace(recipient: Recipient) -> None:
    assert heading(recipient.get(recipient.unsubscribe)) == "Do you want no more mail?"
    recipient.post(recipient.unsubscribe, data=ONE_CLICK)
    assert recipient.answer() == (False, True, 0)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", None),
        (b"List-Unsubscribe=No", "application/x-www-form-urlencoded"),
        (b"stop=%ff", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"stop=project&" * 1000, "application/x-www-form-urlencoded"),
        (b"a=1&" * 50, "application/x-www-form-urlencoded"),
        (MULTIPART[0], "multipart/form-data"),
        (b"nothing", "multipart/form-data; boundary=b7"),
    ],
)
def test_a_post_that_says_nothing_changes_nothing_and_is_asked(
    recipient: Recipient, body: bytes, kind: str | None
) -> None:
    recipient.post(recipient.confirm)
    before = dump(recipient.server)
    answer = recipient.post(recipient.unsubscribe, content=body, headers={} if kind is None else {"Content-Type": kind})
    assert (answer.status_code, heading(answer)) == (200, "Do you want to stop these reports?")
    assert dump(recipient.server) == before


def test_an_address_that_was_not_made_here_is_a_404_and_changes_nothing(recipient: Recipient) -> None:
    before = dump(recipient.server)
    base, _, token = recipient.unsubscribe.rpartition("/")
    contact, project, signature = token.split(".")
    confirm_signature = recipient.confirm.rpartition(".")[2]
    stranger = ReportLinks("", b"another key").make(Purpose.UNSUBSCRIBE, Subscription(int(contact), int(project)))
    wrong = [
        f"{int(contact) + 1}.{project}.{signature}",
        f"{contact}.{int(project) + 1}.{signature}",
        f"{contact}.{project}.{confirm_signature}",
        f"{contact}.{project}.{signature[:-1]}",
        f"{contact}.{project}.{signature.upper()}",
        f"0{contact}.{project}.{signature}",
        f"{contact}.{project}",
        stranger.rpartition("/")[2],
        "%00",
        "é",
    ]
    answers = {recipient.get(f"{base}/{one}").content for one in wrong}
    answers |= {recipient.post(f"{base}/{one}", data=ONE_CLICK).content for one in wrong}
    assert len(answers) == 1
    assert recipient.get(f"{base}/{wrong[0]}").status_code == 404
    assert dump(recipient.server) == before


def test_an_address_of_somebody_who_is_not_there_is_like_one_that_never_was(recipient: Recipient) -> None:
    links = make_report_links(recipient.server.node)
    gone = links.make(Purpose.CONFIRM, Subscription(999, 1))
    nothing = recipient.get(f"{gone}0")
    for answer in (recipient.get(gone), recipient.post(gone)):
        assert (answer.status_code, answer.content) == (404, nothing.content)


def test_after_its_project_is_deleted_an_address_still_stops_everything(recipient: Recipient) -> None:
    recipient.post(recipient.confirm)
    with recipient.server.node.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM projects")
    assert 'value="project"' not in recipient.get(recipient.unsubscribe).text
    recipient.post(recipient.unsubscribe, data={"stop": "everything"})
    assert recipient.answer() == (False, True, 0)


def test_no_address_of_a_mail_is_shown_whole_and_none_is_logged(
    recipient: Recipient, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = "".join(recipient.get(url).text for url in (recipient.confirm, recipient.unsubscribe))
    assert "a…@example.com" in shown
    assert "ann@" not in shown
    recipient.post(recipient.confirm)
    assert recipient.confirm.rpartition(".")[2] not in "".join(capsys.readouterr())
