"""Handing a mail over: taken, refused for now, refused for good, or no answer at all."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from factories import free_port
from mailboxes import open_mailbox, open_mute_server
from shortmcp.adapters.smtp import LogMailer, SmtpMailer, SmtpServer, make_message, read_smtp_url
from shortmcp.core.jobs import Failure, GiveUp
from shortmcp.core.mails import Mail, Refused, Uncertain

SENDER = "Links <links@sho.example>"
MAIL = Mail(
    "job-7-42", "ann@example.com", "Grüße", "Plain text.\n", "<p>Text</p>", datetime(2026, 6, 7, 14, 30, tzinfo=UTC)
)


def test_a_mail_arrives_once_with_both_parts_and_the_headers_of_a_machine_s_mail() -> None:
    with open_mailbox() as mailbox:
        SmtpMailer(mailbox.server, SENDER).send(MAIL)
    [mail] = mailbox.mails
    assert mailbox.recipients == ["ann@example.com"]
    assert {name: str(mail[name]) for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")} == {
        "From": "Links <links@sho.example>",
        "To": "ann@example.com",
        "Subject": "Grüße",
        "Date": "Sun, 07 Jun 2026 14:30:00 +0000",
        "Message-ID": "<job-7-42@sho.example>",
        "Auto-Submitted": "auto-generated",
    }
    parts = {part.get_content_type(): part.get_content().strip() for part in mail.iter_parts()}
    assert parts == {"text/plain": "Plain text.", "text/html": "<p>Text</p>"}


@pytest.mark.parametrize(
    ("refusal", "kind", "sentence"),
    [
        ("451 Greylisted, a secret", Failure, "The mail server answered 451."),
        ("550 Nobody here, a secret", Refused, "The mail server answered 550."),
        ("DATA 452 Full", Failure, "The mail server answered 452."),
        ("DATA 554 Spam", GiveUp, "The mail server answered 554."),
    ],
)
def test_a_refusal_says_whether_to_try_again_and_nothing_of_the_server_s_words(
    refusal: str, kind: type[Failure], sentence: str
) -> None:
    with open_mailbox(refusal) as mailbox, pytest.raises(Failure) as caught:
        SmtpMailer(mailbox.server, SENDER).send(MAIL)
    assert (type(caught.value), str(caught.value), mailbox.mails) == (kind, sentence, [])


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n", b"220-" + b"x" * 50])
def test_a_server_that_hangs_is_left_at_the_deadline(greeting: bytes) -> None:
    began = time.monotonic()
    with open_mute_server(greeting) as server, pytest.raises(Failure, match="did not take the mail"):
        SmtpMailer(server, SENDER, deadline=0.2).send(MAIL)
    assert time.monotonic() - began < 5


def test_a_connection_that_is_dropped_after_the_contents_is_a_failure_to_be_tried_again() -> None:
    with open_mailbox(drops=1) as mailbox:
        with pytest.raises(Failure, match="did not take the mail") as caught:
            SmtpMailer(mailbox.server, SENDER).send(MAIL)
        assert type(caught.value) is Uncertain
        SmtpMailer(mailbox.server, SENDER).send(MAIL)
    # Whoever got it twice can see that it is the same.
    assert [mail["Message-ID"] for mail in mailbox.mails] == ["<job-7-42@sho.example>"] * 2


def test_the_last_moment_before_the_contents_is_told_and_what_it_raises_keeps_them_back() -> None:
    def refuse() -> None:
        raise LookupError

    told: list[int] = []
    with open_mailbox("451 Later") as mailbox:
        mailer = SmtpMailer(mailbox.server, SENDER)
        with pytest.raises(Failure):
            mailer.send(MAIL, lambda: told.append(len(mailbox.mails)))
        with pytest.raises(LookupError):
            mailer.send(MAIL, refuse)
        assert (told, mailbox.mails) == ([], [])
        mailer.send(MAIL, lambda: told.append(len(mailbox.mails)))
    assert (told, len(mailbox.mails)) == ([0], 1)


def test_a_hang_before_the_contents_and_a_refusal_of_them_leave_no_doubt() -> None:
    with open_mute_server(b"220 hello\r\n") as server, pytest.raises(Failure) as hung:
        SmtpMailer(server, SENDER, deadline=0.2).send(MAIL)
    with open_mailbox("DATA 451 Later") as mailbox, pytest.raises(Failure) as refused:
        SmtpMailer(mailbox.server, SENDER).send(MAIL)
    assert (type(hung.value), type(refused.value)) == (Failure, Failure)


@pytest.mark.parametrize("host", ["sho.example", f"{'a-long-name.' * 15}example"])
def test_a_mail_that_one_may_have_enough_of_has_both_headers_of_rfc_8058_as_they_are(host: str) -> None:
    address = f"https://{host}/reports/unsubscribe/7.3.0123456789abcdef0123456789abcdef"
    with open_mailbox() as mailbox:
        SmtpMailer(mailbox.server, SENDER).send(replace(MAIL, unsubscribe=address))
    raw = mailbox.raw[0].replace(b"\r\n ", b" ").decode("ascii")
    found = {line.partition(":")[0]: line.partition(":")[2].strip() for line in raw.splitlines() if "List-" in line}
    assert found == {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def test_a_server_that_is_not_there_is_a_failure_to_be_tried_again() -> None:
    with pytest.raises(Failure, match="did not take the mail"):
        SmtpMailer(SmtpServer("127.0.0.1", free_port(), False, None, None, None), SENDER).send(MAIL)


def test_a_password_goes_out_in_the_clear_only_where_the_settings_say_so() -> None:
    with open_mailbox() as mailbox:
        url = f"smtp://ann:secret@127.0.0.1:{mailbox.port}"
        with pytest.raises(Failure, match="did not take the mail"):
            SmtpMailer(read_smtp_url(url), SENDER).send(MAIL)
        assert (mailbox.logins, mailbox.mails) == ([], [])
        SmtpMailer(read_smtp_url(f"{url}?starttls=false"), SENDER).send(MAIL)
    assert (mailbox.logins, len(mailbox.mails)) == (["ann"], 1)


@pytest.mark.parametrize(
    "to", ["ann@example.com\r\nBcc: eve@example.com", "ann@example.com, eve@example.com", "ann", ""]
)
def test_an_address_that_could_break_out_of_its_header_is_given_up(to: str) -> None:
    with pytest.raises(GiveUp, match="cannot stand in a mail's header"):
        make_message(Mail("k", to, "S", "T", "H", MAIL.written_at), SENDER)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 25, False, None, None, None)),
        ("smtp://mail.example.com?starttls=true", SmtpServer("mail.example.com", 587, False, True, None, None)),
        ("smtp://a:b@mail.example.com:2525", SmtpServer("mail.example.com", 2525, False, True, "a", "b")),
        ("smtp://a:b%40@mail.example.com/?starttls=false", SmtpServer("mail.example.com", 25, False, False, "a", "b@")),
        ("smtps://a%40x:b@mail.example.com", SmtpServer("mail.example.com", 465, True, False, "a@x", "b")),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, server: SmtpServer) -> None:
    assert read_smtp_url(url) == server


def test_without_a_server_a_mail_is_a_line_in_the_log_without_the_whole_address(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    LogMailer().send(MAIL)
    logged = caplog.text + "".join(capsys.readouterr())
    assert "a…@example.com" in logged
    assert "Grüße" in logged
    assert "ann@" not in logged
