"""Connections that want to harm: too long, ambiguous, too many, never read. Others are served, memory stays."""

import re
import socket
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from resource import RLIMIT_NOFILE, prlimit
from urllib.parse import urlsplit

import pytest

from crash.harness import Instance, Load, ask, make_link, wait_until
from factories import CHROME
from processes import Process

MEGABYTE = 1 << 20
MOST_GROWTH = 30
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
ENDLESS = {
    "52 MB of header": (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", 52),
    "a path of 10 MB": (b"GET /", 10),
}
AMBIGUOUS = {
    "a length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "a length below zero": b"Content-Length: -4\r\n\r\n",
    "a length with a sign": b"Content-Length: +4\r\n\r\nabcd",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"X-Folded: a\r\n b\r\n\r\n",
    "a NUL": b"X-Nul: a\0b\r\n\r\n",
    "a chunk of no number": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk too large for any number": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
}


@dataclass(frozen=True)
class Target:
    """A server with one link."""

    instance: Instance
    process: Process
    code: str

    @contextmanager
    def connected(self) -> Generator[socket.socket]:
        parts = urlsplit(self.process.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            yield connection

    def visit(self, number: int = 1) -> bytes:
        return f"GET /{self.code} HTTP/1.1\r\nHost: a\r\nUser-Agent: {CHROME}\r\n\r\n".encode() * number

    def megabytes(self) -> float:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.popen.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("target")
    instance = Instance(folder / "instance", f"sqlite:///{folder}/shortmcp.db")
    with instance.run() as process:
        yield Target(instance, process, make_link(process))


def read_all(connection: socket.socket) -> bytes:
    """What is answered until the other side closes or resets the connection."""
    answer = b""
    try:
        while chunk := connection.recv(65536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


def send_while_taken(connection: socket.socket, begin: bytes, more: bytes, most: int) -> int:
    """How many bytes the other side takes until it closes the connection, or takes nothing for a second."""
    sent = 0
    connection.settimeout(1)
    with suppress(TimeoutError, ConnectionResetError, BrokenPipeError):
        sent += connection.send(begin)
        while sent < most:
            sent += connection.send(more)
    return sent


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_refused_and_not_kept(target: Target, what: str) -> None:
    begin, megabytes = ENDLESS[what]
    before = target.megabytes()
    with target.connected() as connection:
        sent = send_while_taken(connection, begin, b"x" * MEGABYTE, megabytes * MEGABYTE)
        # What fitted into buffers was taken by nobody.
        assert sent < megabytes * MEGABYTE
    assert target.megabytes() - before < MOST_GROWTH


@pytest.mark.parametrize("what", AMBIGUOUS)
@pytest.mark.parametrize("method", ["POST /api/v1/links", "GET /{code}"])
def test_a_request_that_two_servers_could_read_in_two_ways_is_refused_with_all_that_follows(
    target: Target, what: str, method: str
) -> None:
    start = f"{method.format(code=target.code)} HTTP/1.1\r\nHost: a\r\n".encode()
    with target.connected() as connection:
        connection.sendall(start + AMBIGUOUS[what] + SMUGGLED)
        answer = read_all(connection)
    assert (answer.count(b"HTTP/1.1 "), answer[:13]) == (1, b"HTTP/1.1 400 "), answer


def test_ten_thousand_requests_behind_one_another_are_all_answered(target: Target) -> None:
    answered = 0
    with target.connected() as connection:
        for _ in range(100):
            connection.sendall(target.visit(100))
            answer = b""
            while answer.count(b"\r\n\r\n") < 100:
                chunk = connection.recv(65536)
                assert chunk, answer
                answer += chunk
            answered += answer.count(b"HTTP/1.1 302 Found\r\n")
    assert answered == 10_000


def test_whoever_does_not_read_the_answers_is_not_read_from_any_more(target: Target) -> None:
    before, much = target.megabytes(), 200 * MEGABYTE
    with ExitStack() as stack:
        deaf = [stack.enter_context(target.connected()) for _ in range(5)]
        for connection in deaf:
            assert send_while_taken(connection, b"", target.visit(100), much) < much
        # Each has one piece that was read when its answers began to wait: some seven hundred requests, 7 MB.
        assert target.megabytes() - before < 2 * MOST_GROWTH
        with target.connected() as connection:
            connection.sendall(target.visit())
            assert connection.recv(4096).startswith(b"HTTP/1.1 302 ")


def test_more_connections_than_the_process_may_have_wait_and_those_it_has_are_served(target: Target) -> None:
    process, load = target.process, Load(target.code)
    number = len(list(Path(f"/proc/{process.popen.pid}/fd").iterdir()))
    limits = prlimit(process.popen.pid, RLIMIT_NOFILE)
    with load.on(process.url), ExitStack() as stack:
        load.wait_for(100)
        prlimit(process.popen.pid, RLIMIT_NOFILE, (number + 30, limits[1]))
        for _ in range(100):
            stack.enter_context(target.connected())
        load.wait_for(500)
        stack.close()
        prlimit(process.popen.pid, RLIMIT_NOFILE, limits)
        assert ask(process, "GET", "/links").status_code == 200
    assert (load.cut_off, len(load.refused)) == (0, 0)
    wait_until(lambda: load.acked <= target.instance.clicks().keys())
    clicks = target.instance.clicks()
    # Those of other tests, which have no number.
    del clicks[""]
    assert clicks.total() == len(load.acked)
