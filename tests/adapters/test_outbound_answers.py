"""What misbehaves ends in time and in size; certificates are checked, and a proxy is used where one is set."""

import gzip
import socket
import ssl
import struct
import time
from collections.abc import Callable

import pytest
import trustme

from outlets import NAMES, NO_TLS, PUBLIC, Behaviour, Network, answer, open_outlet, private, say
from shortmcp.adapters.outbound import Outbound, Refused, Unreachable

DEADLINE = 0.4


def hang(connection: socket.socket) -> None:
    connection.recv(1)


def drip(*begin: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        say(*begin)(connection)
        while True:
            connection.sendall(b"x")
            time.sleep(0.01)

    return behave


def flood(begin: bytes, again: bytes, sent: list[int]) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(begin)
        while sent[0] < 1 << 30:
            sent[0] += connection.send(again)

    return behave


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(hang, id="hangs"),
        pytest.param(say(), id="hangs up"),
        pytest.param(reset, id="resets"),
        pytest.param(say(b"SSH-2.0-OpenSSH_9\r\n"), id="speaks something else"),
        pytest.param(drip(), id="drips a status line"),
        pytest.param(drip(OK, b"X-A: "), id="drips a header"),
        pytest.param(drip(OK, b"Content-Length: 99999\r\n\r\n"), id="drips a body"),
        pytest.param(say(OK, b"X-A: 1\r\n" * 100_000, b"\r\n"), id="sends 100,000 headers"),
        pytest.param(say(OK, b"Content-Length: 10\r\n\r\nshort"), id="breaks off"),
    ],
)
def test_a_server_that_misbehaves_is_unreachable_within_the_deadline(behave: Behaviour) -> None:
    with open_outlet(behave) as outlet:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            private(deadline=DEADLINE).send("POST", outlet.url, body=b"{}")
        assert time.monotonic() - began < DEADLINE + 1


@pytest.mark.parametrize("begin", [b"\r\n", b"Content-Length: 1073741824\r\n\r\n"])
def test_of_an_endless_body_only_the_beginning_is_read(begin: bytes) -> None:
    sent = [0]
    with open_outlet(flood(OK + begin, b"x" * 65536, sent)) as outlet:
        got = private().send("GET", outlet.url)
    assert (len(got.body_start), got.is_whole) == (65536, False)
    # What lies in the buffers of both sockets was sent as well.
    assert sent[0] < 20 << 20


def test_what_comes_instead_of_an_answer_is_not_read_for_ever() -> None:
    sent = [0]
    endless = flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, sent)
    with open_outlet(endless) as outlet, pytest.raises(Unreachable, match="too large"):
        private().send("GET", outlet.url)
    assert sent[0] < 20 << 20


def test_a_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    with open_outlet(answer(bomb, b"Content-Encoding: gzip")) as outlet:
        got = private(limit=1 << 20).send("GET", outlet.url)
    assert (got.body_start, got.is_whole) == (bomb, True)


def test_a_server_that_does_not_read_is_left_at_the_deadline() -> None:
    with open_outlet(lambda connection: time.sleep(2 * DEADLINE)) as outlet, pytest.raises(Unreachable):
        private(deadline=DEADLINE).send("POST", outlet.url, body=bytes(50 << 20))


def test_a_look_up_that_hangs_is_left_at_the_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable):
        Outbound(resolve=lambda host, port: time.sleep(5) or [], deadline=DEADLINE, tls=NO_TLS).send(
            "GET", "http://a.b/"
        )
    assert time.monotonic() - began < DEADLINE + 1


def no_such_host(host: str, port: int) -> list[str]:
    raise socket.gaierror


def nothing(host: str, port: int) -> list[str]:
    return []


@pytest.mark.parametrize("resolve", [no_such_host, nothing])
def test_a_name_that_leads_nowhere_is_unreachable(resolve: Callable[[str, int], list[str]]) -> None:
    with pytest.raises(Unreachable, match="leads nowhere"):
        Outbound(resolve=resolve, tls=NO_TLS).send("GET", "http://nowhere.example/")


def test_an_address_that_does_not_answer_leaves_the_next_one_its_turn() -> None:
    with open_outlet(answer(b"hello")) as outlet:
        network = Network(names={"two.example": ["127.0.0.2", "127.0.0.1"]})

        def connect(address: tuple[str, int], timeout: float) -> socket.socket:
            if address[0] == "127.0.0.2":
                raise TimeoutError
            return network.connect(address, timeout)

        got = private(resolve=network.resolve, connect=connect).send("GET", f"http://two.example:{outlet.port}/")
    assert got.body_start == b"hello"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


def server_tls(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert(host).private_key_and_cert_chain_pem.tempfile() as path:
        context.load_cert_chain(path)
    return context


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    return context


def test_a_certificate_is_for_the_name_while_the_connection_is_to_the_address(authority: trustme.CA) -> None:
    with open_outlet(answer(b"hello"), server_tls(authority, "hooks.example")) as outlet:
        network = Network(outlet.port, names={"hooks.example": [PUBLIC], "other.example": [PUBLIC]})
        guard = Outbound(resolve=network.resolve, connect=network.connect, tls=client_tls(authority))
        assert guard.send("GET", "https://hooks.example/").body_start == b"hello"
        with pytest.raises(Unreachable, match="certificate may not be valid"):
            guard.send("GET", "https://other.example/")
    assert len(outlet.requests) == 1


@pytest.mark.parametrize("behave", [say(b"HTTP/1.1 400 Plain\r\n\r\n"), hang])
def test_a_certificate_of_nobody_and_no_encryption_at_all_are_unreachable(
    behave: Behaviour, authority: trustme.CA
) -> None:
    stranger = client_tls(trustme.CA())
    for tls in (server_tls(authority, "127.0.0.1"), None):
        with open_outlet(behave, tls) as outlet, pytest.raises(Unreachable):
            private(tls=stranger, deadline=2.0).send("GET", outlet.url.replace("http:", "https:"))


def test_a_proxy_connects_where_one_is_set_and_private_names_are_still_refused() -> None:
    with open_outlet(answer(b"through")) as proxy:
        network = Network(names={**NAMES, "127.0.0.1": ["127.0.0.1"]})
        guard = Outbound(proxy=f"http://ann:s%40@127.0.0.1:{proxy.port}", resolve=network.resolve, tls=NO_TLS)
        assert guard.send("GET", "http://public.example/a").body_start == b"through"
        with pytest.raises(Refused):
            guard.send("GET", "http://mixed.example/")
    [request] = proxy.requests
    assert request.startswith(b"GET http://public.example/a HTTP/1.1\r\n")
    assert b"proxy-authorization: basic yw5uonna" in request.lower()
