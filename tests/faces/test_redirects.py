"""The short cut below ASGI answers what the ordinary way answers, byte for byte, and counts what it counts."""

import re
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from calls import make_link
from factories import CHROME, Server, free_port, start_server
from shortmcp.settings import Settings

BROWSER = f"Host: sho.example\r\nUser-Agent: {CHROME}\r\nAccept-Language: de-AT\r\nReferer: https://t.co/\r\n"
VARYING = re.compile(rb"(?im)^(date: )[^\r]+")


def request(line: str, headers: str = BROWSER, body: str = "") -> bytes:
    return f"{line}\r\n{headers}\r\n{body}".encode("latin-1")


CORPUS = {
    "plain": request("GET /launch HTTP/1.1"),
    "query": request("GET /launch?utm_source=x&a=%20b HTTP/1.1"),
    "upper case": request("GET /Launch HTTP/1.1"),
    "escaped": request("GET /%6caunch HTTP/1.1"),
    "slash": request("GET /launch/ HTTP/1.1"),
    "two slashes": request("GET //launch HTTP/1.1"),
    "absolute form": request("GET http://sho.example/launch HTTP/1.1"),
    "head": request("HEAD /launch HTTP/1.1"),
    "post": request("POST /launch HTTP/1.1", f"{BROWSER}Content-Length: 2\r\n", "hi"),
    "get with a body": request("GET /launch HTTP/1.1", f"{BROWSER}Content-Length: 2\r\n", "hi"),
    "get with chunks": request(
        "GET /launch HTTP/1.1", f"{BROWSER}Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"
    ),
    "expect": request("GET /launch HTTP/1.1", f"{BROWSER}Expect: 100-continue\r\nContent-Length: 2\r\n", "hi"),
    "http 1.0": request("GET /launch HTTP/1.0"),
    "close": request("GET /launch HTTP/1.1", f"{BROWSER}Connection: close\r\n"),
    "upgrade": request("GET /launch HTTP/1.1", f"{BROWSER}Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    "prefetch": request("GET /launch HTTP/1.1", f"{BROWSER}Sec-Purpose: prefetch\r\n"),
    "no headers": request("GET /launch HTTP/1.1", "Host: sho.example\r\n"),
    "disabled": request("GET /off HTTP/1.1"),
    "expired": request("GET /over HTTP/1.1"),
    "unknown": request("GET /nobody HTTP/1.1"),
    "health": request("GET /healthz HTTP/1.1"),
    "api": request("GET /api/v1/links/launch HTTP/1.1"),
    "pipelined": request("GET /launch HTTP/1.1") * 3
    + request("GET /healthz HTTP/1.1")
    + request("GET /launch HTTP/1.1"),
    "pipelined behind another": request("GET /healthz HTTP/1.1") + request("GET /launch HTTP/1.1") * 2,
    "lower case headers": request("GET /launch HTTP/1.1", BROWSER.lower()),
    "shouted headers": request("GET /launch HTTP/1.1", BROWSER.replace("User-Agent", "USER-AGENT")),
    "no spaces in headers": request("GET /launch HTTP/1.1", BROWSER.replace(": ", ":")),
    "spaces around values": request("GET /launch HTTP/1.1", BROWSER.replace("de-AT", "  de-AT \t")),
    "two of a name": request(
        "GET /launch HTTP/1.1", f"{BROWSER}User-Agent: {CHROME}\r\nReferer: https://x.example/\r\n"
    ),
    "two hosts": request("GET /launch HTTP/1.1", f"{BROWSER}Host: other.example\r\n"),
    "no host": request("GET /launch HTTP/1.1", f"User-Agent: {CHROME}\r\n"),
    "keep-alive": request("GET /launch HTTP/1.1", f"{BROWSER}Connection: keep-alive\r\n"),
    "latin-1": request("GET /launch HTTP/1.1", f"{BROWSER}X-Name: \xe9\r\n"),
    "fragment": request("GET /launch?a=b#c HTTP/1.1"),
    "odd query": request("GET /launch?\"<>\\^`{|}~' HTTP/1.1"),
    "twice over": request("GET /launch HTTP/1.1") * 40,
}
LAST = request("GET /healthz HTTP/1.1", f"{BROWSER}Connection: close\r\n")
# What each request of the corpus counts: people's visits and bots.
COUNTED = {"prefetch": (0, 1), "no headers": (0, 1), "pipelined": (4, 0), "pipelined behind another": (2, 0)}


def exchange(server: Server, sent: bytes) -> bytes:
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        # The last one closes the connection, so that everything before it can be read to the end.
        connection.sendall(sent + LAST)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return VARYING.sub(rb"\1now", received).replace(server.url.encode(), b"http://here")


def numbers(server: Server) -> tuple[int, int]:
    with server.node.database.read() as connection:
        row = connection.exec_driver_sql("SELECT coalesce(sum(total), 0), coalesce(sum(bots), 0) FROM link_days").one()
    return row[0], row[1]


@pytest.fixture
def plain(server: Server, settings: Settings) -> Generator[Server]:
    """A second server on the same database that knows no short cut."""
    with ExitStack() as stack:
        yield start_server(settings.model_copy(update={"http": "plain", "port": free_port()}), stack)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_both_ways_give_the_same_answers_and_count_the_same(server: Server, plain: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="launch")
        make_link(client, short_code="off", is_active=False, redirect_url="https://example.com/fallback")
        make_link(client, short_code="over", expires_at="2020-01-01T00:00:00Z")
    for side in (server, plain):
        assert b"302 Found" in exchange(side, CORPUS["head"])
    with ThreadPoolExecutor() as pool:
        for name, sent in CORPUS.items():
            below, above = pool.map(exchange, (server, plain), (sent, sent))
            assert below == above, name
    assert exchange(server, CORPUS["twice over"]).count(b"302 Found") == 40
    expected = count_of_corpus()
    deadline = time.monotonic() + 20
    while numbers(server) != expected:
        assert time.monotonic() < deadline, (numbers(server), expected)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_that_looks_like_a_visit_is_none(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="launch")
    exchange(server, CORPUS["head"])
    visit = CORPUS["plain"]
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        # Its answer does not wait for its body.
        connection.sendall(request("POST /launch HTTP/1.1", f"{BROWSER}Content-Length: {2 * len(visit)}\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 405 ")
        connection.sendall(visit)
        connection.sendall(visit + LAST)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"302 Found" not in received
    assert numbers(server) == (0, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_in_pieces_of_their_own_are_answered_in_their_order(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="launch")
    exchange(server, CORPUS["head"])
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(50):
            connection.sendall(CORPUS["plain"])
            connection.sendall(CORPUS["health"])
        connection.sendall(LAST)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"302", b"200"] * 50 + [b"200"]


def count_of_corpus() -> tuple[int, int]:
    """What both sides' rounds and the last exchange should have counted."""
    uncounted = {"head", "post", "disabled", "expired", "unknown", "health", "api", "two slashes"}
    people, bots = 40, 0
    for name in CORPUS:
        each = (40, 0) if name == "twice over" else COUNTED.get(name, (0, 0) if name in uncounted else (1, 0))
        people, bots = people + 2 * each[0], bots + 2 * each[1]
    return people, bots
