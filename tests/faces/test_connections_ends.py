"""What stands behind headers and bodies has an end too, is no header, and nobody is waited for for ever."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn

from shortmcp.faces.connections import MAX_HEADER_BYTES, GuardedProtocol
from shortmcp.faces.redirects import RedirectProtocol

gone = Event()


class HastyGuard(GuardedProtocol):
    """Waits for nobody longer than a test can wait."""

    header_seconds = 0.3
    answer_seconds = 0.3


class HastyRedirects(RedirectProtocol):
    """The same, with the short cuts."""

    header_seconds = 0.3
    answer_seconds = 0.3


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the names of the headers, or with much more than a client takes that does not read."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    names = b",".join(name for name, _ in scope["headers"])
    pieces = [bytes(1 << 20)] * 64 if scope["path"] == "/big" else [names]
    length = sum(map(len, pieces))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % length)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})
    gone.set()


@pytest.fixture(params=[HastyGuard, HastyRedirects])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where a server with one of the protocols listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=request.param, log_config=None, lifespan="off", ws="none", timeout_keep_alive=1)
    running = uvicorn.Server(config)
    thread = Thread(target=running.run, args=([listener],))
    with ExitStack() as stack:
        stack.callback(listener.close)
        thread.start()
        stack.callback(thread.join, 10)
        stack.callback(setattr, running, "should_exit", True)
        yield listener.getsockname()[1]


def read_all(connection: socket.socket) -> bytes:
    answer = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_many_requests_in_one_piece_are_no_offence(port: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100 + b"\r\n\r\n"
    number = 3 * MAX_HEADER_BYTES // len(request)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        # The piece ends within the last request.
        connection.sendall(request * number + request[:50])
        answer = b""
        while answer.count(b"HTTP/1.1 200 OK") < number and (chunk := connection.recv(65536)):
            answer += chunk
        assert (answer.count(b"HTTP/1.1 200 OK"), answer.count(b"HTTP/1.1 431 ")) == (number, 0)


def test_trailers_are_no_headers(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"1\r\nx\r\n0\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
        answer = read_all(connection)
    assert answer.endswith(b"host,transfer-encoding"), answer


@pytest.mark.parametrize(
    "endless", [b"0\r\n" + b"X-More: yes\r\n" * 80_000, b"0\r\nX: " + b"x" * (1 << 20), b"5;" + b"x" * (1 << 20)]
)
def test_what_follows_a_body_has_an_end(port: int, endless: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(endless)
        # The connection is closed: otherwise this would wait until it fails.
        assert b"HTTP/1.1 200 " not in read_all(connection)


def test_an_answer_that_nobody_reads_is_not_waited_for_for_good(port: int) -> None:
    gone.clear()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        assert gone.wait(5)
