"""What outgoing requests meet: names, and raw sockets on loopback that behave as each test says."""

import re
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any

from shortmcp.adapters.outbound import Outbound

Behaviour = Callable[[socket.socket], object]
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# More than that is not read.
MAX_REQUEST = 1 << 20
PUBLIC = "93.184.216.34"
NAMES = {
    "localhost": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mixed6.example": [PUBLIC, "::ffff:127.0.0.1"],
    "public.example": [PUBLIC],
}


@dataclass
class Network:
    """Looks names up in a table, and connects to `door` whatever the address; both are noted."""

    door: int = 0
    looked_up: list[str] = field(default_factory=list[str])
    connected: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    names: dict[str, list[str]] = field(default_factory=lambda: dict(NAMES))

    def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        return self.names.get(host, [host])

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.connected.append(address)
        return socket.create_connection(("127.0.0.1", self.door or address[1]), timeout)


def private(**given: Any) -> Outbound:
    """Reaches loopback, as the operator may allow."""
    return replace(Outbound(allow_private=True, tls=NO_TLS, deadline=10.0), **given)


@dataclass
class Outlet:
    """A listener on loopback; `requests` are the heads of what it was sent, one for each accepted connection."""

    port: int
    requests: list[bytes] = field(default_factory=list[bytes])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def open_outlet(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Generator[Outlet]:
    """Accepts connections and hands each to `behave`, in a thread of its own, when its request's head is there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outlet, threads = Outlet(listener.getsockname()[1]), list[Thread]()

        def serve(connection: socket.socket) -> None:
            # Whoever asks may hang up at any time.
            with suppress(OSError), connection:
                secured = tls.wrap_socket(connection, server_side=True) if tls else connection
                with secured:
                    outlet.requests.append(_read_request(secured))
                    behave(secured)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threads.append(Thread(target=serve, args=(listener.accept()[0],), daemon=True))
                    threads[-1].start()

        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        yield outlet
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(10)
        for thread in threads:
            thread.join(10)


def _read_request(connection: socket.socket) -> bytes:
    # The body too: whoever hangs up on unread bytes resets the connection and with it the answer.
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    missing = int(length[1]) - len(body) if length else 0
    while 0 < missing < MAX_REQUEST and (more := connection.recv(missing)):
        request, missing = request + more, missing - len(more)
    return request


def say(*parts: bytes) -> Behaviour:
    """Sends this and hangs up."""

    def behave(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return behave


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> Behaviour:
    """A complete HTTP answer."""
    length = b"Content-Length: %d" % len(body)
    return say(b"\r\n".join((b"HTTP/1.1 " + status, length, *headers, b"", body)))
