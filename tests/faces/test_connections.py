"""Connections that dawdle or send headers without end are closed; those that only take their time are not."""

import asyncio
import socket
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any

import pytest
import uvicorn

from shortmcp.faces.connections import MAX_HEADER_BYTES, GuardedProtocol
from shortmcp.faces.redirects import RedirectProtocol

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW = 0.6


class HastyGuard(GuardedProtocol):
    """Waits for headers no longer than a test can wait."""

    header_seconds = 0.3


class HastyRedirects(RedirectProtocol):
    """The same, with the short cut."""

    header_seconds = 0.3


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body, after a while where the path says so."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(SLOW)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(params=[HastyGuard, HastyRedirects])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where a server with one of the protocols listens; it keeps idle connections for 0.3 seconds."""
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


@contextmanager
def connected(port: int) -> Generator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


@pytest.mark.parametrize("begun", [b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 100])
def test_half_a_request_is_not_waited_for_for_good(port: int, begun: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(begun)
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_closed_without_a_word(port: int) -> None:
    with connected(port) as connection:
        assert read_all(connection) == b""


def test_an_idle_connection_is_closed_when_its_keep_alive_is_over(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(REQUEST)
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize("piece", [1000, 1 << 20])
def test_headers_without_end_are_refused(port: int, piece: int) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-More: yes\r\n" * (MAX_HEADER_BYTES // 10)
    # Only the last piece is too many: what is sent after the refusal would be answered with a reset.
    endless = endless[: MAX_HEADER_BYTES + 200]
    with connected(port) as connection:
        for start in range(0, len(endless), piece):
            connection.sendall(endless[start : start + piece])
        assert read_all(connection).startswith(b"HTTP/1.1 431 ")


def test_whole_headers_that_are_too_many_are_refused_however_they_come(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * MAX_HEADER_BYTES + b"\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 431 ")


def test_many_headers_a_long_answer_and_a_large_body_are_no_offence(port: int) -> None:
    many = b"X-More: yes\r\n" * 1000
    body = b"x" * (MAX_HEADER_BYTES * 4)
    posted = b"POST /slow HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (many, len(body), body)
    with connected(port) as connection:
        connection.sendall(posted + REQUEST)
        answer = read_all(connection)
        assert (answer.count(b"HTTP/1.1 200 OK"), str(len(body)).encode() in answer) == (2, True)


def test_what_comes_slowly_but_in_time_is_answered(port: int) -> None:
    with connected(port) as connection:
        for byte in (b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"Connection: close\r\n\r\n"):
            connection.sendall(byte)
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK")


def test_a_connection_is_closed_behind_an_upgrade_that_nobody_makes(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + REQUEST)
        answer = read_all(connection)
        assert (answer.count(b"HTTP/1.1 200 OK"), b"connection: close" in answer) == (1, True)
