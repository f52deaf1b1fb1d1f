"""Mail: over SMTP, with one deadline for the whole dialogue, or into the log where no server is set."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import parseaddr
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import structlog

from shortmcp.core.addresses import hint_address
from shortmcp.core.jobs import Failure, GiveUp
from shortmcp.core.mails import Mail, Refused, Uncertain

log = structlog.get_logger("shortmcp.mails")
DEADLINE_SECONDS = 15.0
PERMANENT = range(500, 600)


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. `starttls` is required, forbidden or, where None, used if the server offers it."""

    host: str
    port: int
    tls: bool
    starttls: bool | None
    username: str | None
    password: str | None


@dataclass(frozen=True)
class SmtpMailer:
    """Hands mails over to an SMTP server. `sender` is an address, with a display name or without."""

    server: SmtpServer
    sender: str
    deadline: float = DEADLINE_SECONDS

    @property
    def delivers(self) -> bool:
        """Whether there is a mail server."""
        return True

    def send(self, mail: Mail, before_contents: Callable[[], object] = lambda: None) -> None:
        """As `Mailer` says; Uncertain where the connection breaks between the contents and the answer to them."""
        message = make_message(mail, self.sender)
        client = _Client(self, before_contents)
        try:
            asyncio.run(asyncio.wait_for(self._send(client, message, mail.to), self.deadline))
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            raise _judge(error) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise GiveUp("The mail server cannot take this address.") from error
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            # It may also have been slow to say goodbye.
            if client.contents is not Contents.TAKEN:
                kind = Uncertain if client.contents is Contents.SENT else Failure
                raise kind(f"The mail server did not take the mail ({type(error).__name__}).") from error

    async def _send(self, client: "_Client", message: EmailMessage, to: str) -> None:
        async with client:
            await client.send_message(message, sender=parseaddr(self.sender)[1], recipients=[to])


class Contents(Enum):
    """How far a mail's contents have come."""

    KEPT = auto()
    SENT = auto()
    TAKEN = auto()


class _Client(aiosmtplib.SMTP):
    """One dialogue; knows how far the contents have come."""

    def __init__(self, mailer: SmtpMailer, before_contents: Callable[[], object]) -> None:
        server = mailer.server
        super().__init__(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=server.starttls,
            username=server.username,
            password=server.password,
            # Otherwise it is looked up, which takes its time where names do not resolve.
            local_hostname=_domain(mailer.sender),
            timeout=mailer.deadline,
        )
        self.contents = Contents.KEPT
        self._before_contents = before_contents

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        self._before_contents()
        self.contents = Contents.SENT
        try:
            response = await super().data(message, **options)
        except aiosmtplib.SMTPResponseException:
            self.contents = Contents.KEPT
            raise
        self.contents = Contents.TAKEN
        return response


class LogMailer:
    """Stands in where no mail server is set: a mail is a line in the log."""

    @property
    def delivers(self) -> bool:
        """Whether there is a mail server."""
        return False

    def send(self, mail: Mail, before_contents: Callable[[], object] = lambda: None) -> None:
        """Log the mail's subject, and so much of the address that its owner knows it."""
        before_contents()
        to = hint_address(mail.to)
        log.info("mail not sent: SHORTMCP_SMTP_URL is not set", to=to, subject=mail.subject)


def read_smtp_url(url: str) -> SmtpServer:
    """`smtp://user:password@host:587?starttls=true` or `smtps://…`, as the settings have checked it."""
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    asked = parse_qs(parts.query).get("starttls", [None])[0]
    # A password must not go out in the clear because somebody on the way hides that the server can encrypt.
    starttls = asked == "true" if asked else (True if parts.username and not tls else None)
    port = parts.port or (465 if tls else 587 if starttls else 25)
    username, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return SmtpServer(parts.hostname or "", port, tls, False if tls else starttls, username or None, password)


def make_message(mail: Mail, sender: str) -> EmailMessage:
    """The message as it goes out, the same at each attempt; GiveUp for an address that cannot stand in a header."""
    message = EmailMessage(policy=_POLICY)
    name, address = parseaddr(sender)
    try:
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=mail.to)
    except (ValueError, IndexError) as error:
        raise GiveUp("The address cannot stand in a mail's header.") from error
    message["Subject"] = mail.subject
    message["Date"] = mail.written_at
    message["Message-ID"] = f"<{mail.key}@{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


class _WholeHeader(UnstructuredHeader, BaseHeader):
    """A header that stays as it is: an address that is a bit long would be encoded, and mail programs not find it."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _make_policy() -> Policy:
    headers = HeaderRegistry()
    headers.map_to_type("List-Unsubscribe", _WholeHeader)
    return SMTP.clone(header_factory=headers)


_POLICY = _make_policy()


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2]


def _judge(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> Failure:
    # There is one recipient only. What the server says beside the number is foreign text and not kept.
    answer = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
    sentence = f"The mail server answered {answer.code}."
    # A refused login or greeting is for the operator to mend, not the mail's fault.
    about_mail = isinstance(
        answer, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError
    )
    if not about_mail or answer.code not in PERMANENT:
        return Failure(sentence)
    return (Refused if isinstance(answer, aiosmtplib.SMTPRecipientRefused) else GiveUp)(sentence)
