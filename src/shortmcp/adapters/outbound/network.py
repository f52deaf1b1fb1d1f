"""Beneath an outgoing request: addresses are judged where the connection is made, and time and bytes run out."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore2

from shortmcp.core.jobs import Failure
from shortmcp.core.public_addresses import is_public

# Addresses of a host, as text. Raises OSError where it has none.
Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]


class Refused(Failure):
    """The request was not made: it would have gone where no request may go."""


class Unreachable(Failure):
    """The request was made and not answered in time, in size, or in HTTP."""


class Deadline:
    """A moment that everything together must keep."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; Unreachable when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unreachable("There was no complete answer in time.")
        return left


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that it has resolved and judged itself, so that a name cannot mean two things.

    A host with even one address that is not public is refused: a mixed answer is no accident. With `judges` off any
    address will do.
    """

    def __init__(self, resolve: Resolve, connect: Connect, deadline: Deadline, *, judges: bool, allowance: int) -> None:
        self._resolve, self._connect = resolve, connect
        self._deadline = deadline
        self._judges = judges
        self._allowance = allowance

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self.judge(host, port)
        for position, address in enumerate(addresses):
            # An address that does not answer leaves time for those after it.
            patience = self._deadline.left() / (len(addresses) - position)
            try:
                connected = self._connect((address, port), patience)
            except OSError:
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return GuardedStream(connected, self._deadline, self._allowance)
        raise Unreachable("No connection could be made.")

    def judge(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`, all of them judged."""
        addresses = self._look_up(host, port)
        if self._judges and not all(map(is_public, addresses)):
            raise Refused("The host has an address that is private, reserved or not on the Internet.")
        return addresses

    def _look_up(self, host: str, port: int) -> Sequence[str]:
        # In a thread, because a look-up knows no deadline.
        found = SimpleQueue[Sequence[str] | None]()

        def look_up() -> None:
            try:
                found.put(self._resolve(host, port))
            # UnicodeError: a label that is too long.
            except (OSError, UnicodeError):
                found.put(None)

        Thread(target=look_up, name="look-up", daemon=True).start()
        try:
            addresses = found.get(timeout=self._deadline.left())
        except Empty:
            addresses = None
        if not addresses:
            raise Unreachable("The host's name leads nowhere.")
        return addresses


class GuardedStream(httpcore2.NetworkStream):
    """A connection whose every step keeps the deadline and that reads no more than `allowance` bytes."""

    def __init__(self, connected: socket.socket, deadline: Deadline, allowance: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._allowance <= 0:
            raise Unreachable("The answer is too large.")
        self._socket.settimeout(self._deadline.left())
        try:
            read = self._socket.recv(max_bytes)
        except OSError as error:
            raise httpcore2.ReadError from error
        self._allowance -= len(read)
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._deadline.left())
            try:
                rest = rest[self._socket.send(rest) :]
            # A server may answer and hang up before it has read everything: its answer is read then.
            except OSError as error:
                raise httpcore2.WriteError from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        self._socket.settimeout(self._deadline.left())
        try:
            self._socket = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except (OSError, ValueError) as error:
            self.close()
            self._deadline.left()
            raise Unreachable("The connection could not be encrypted: the certificate may not be valid.") from error
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system knows for a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
