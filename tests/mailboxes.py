"""Real SMTP servers on loopback: one that keeps what it is sent, and ones that misbehave."""

import socket
from asyncio import WriteTransport, to_thread
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from factories import free_port
from shortmcp.adapters.smtp import SmtpServer


@dataclass
class Mailbox:
    """Takes mails. `refusals` are answered first, each once: to a recipient, or after the contents (`DATA 451 …`).

    Answers to recipients and to contents wait for `hold_recipients` and `hold`, if there are; `asked` counts
    the recipients that were named.
    """

    port: int
    refusals: list[str] = field(default_factory=list[str])
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    raw: list[bytes] = field(default_factory=list[bytes])
    recipients: list[str] = field(default_factory=list[str])
    drops: int = 0
    logins: list[str] = field(default_factory=list[str])
    hold: Event | None = None
    asked: int = 0
    hold_recipients: Event | None = None

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, way: str, given: Any) -> AuthResult:
        self.logins.append(given.login.decode())
        return AuthResult(success=True)

    def clear(self) -> None:
        """Forget what has come."""
        self.mails.clear()
        self.raw.clear()
        self.recipients.clear()

    @property
    def server(self) -> SmtpServer:
        """Where it listens."""
        return SmtpServer("127.0.0.1", self.port, False, None, None, None)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        self.asked += 1
        if self.hold_recipients is not None:
            await to_thread(self.hold_recipients.wait, 60)
        if self.refusals and not self.refusals[0].startswith("DATA "):
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        if self.refusals:
            return self.refusals.pop(0).removeprefix("DATA ")
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # pyright: ignore[reportArgumentType]
        self.raw.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        if self.hold is not None:
            await to_thread(self.hold.wait, 60)
        if self.drops:
            self.drops -= 1
            assert isinstance(server.transport, WriteTransport)
            server.transport.abort()
        return "250 OK"


@contextmanager
def open_mailbox(*refusals: str, drops: int = 0) -> Generator[Mailbox]:
    """A mail server."""
    mailbox = Mailbox(free_port(), list(refusals), drops=drops)
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=mailbox.port, authenticator=mailbox.log_in, auth_require_tls=False
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@contextmanager
def open_mute_server(greeting: bytes = b"") -> Generator[SmtpServer]:
    """A server that takes connections, sends `greeting`, byte by byte, and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return
                held[-1].sendall(greeting)

        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield SmtpServer("127.0.0.1", listener.getsockname()[1], False, None, None, None)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for connection in held:
            connection.close()
