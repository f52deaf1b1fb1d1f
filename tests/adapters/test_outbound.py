"""The one way out: what may not be reached is never connected to."""

import socket
from itertools import count

import pytest

from factories import free_port
from outlets import NAMES, NO_TLS, PUBLIC, Network, answer, open_outlet, private
from shortmcp.adapters.outbound import Answer, Outbound, Refused, Unreachable
from shortmcp.core.jobs import Failure
from shortmcp.core.public_addresses import is_public


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "①②⑦.0.0.1", "127。0。0。1", "169.254.169.254",
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001::1]", "[fe80::1]",
        "[fec0::1]", "[fc00::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", *NAMES.keys() - {"public.example"},
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_never_connected_to(host: str) -> None:
    with open_outlet(answer(b"")) as victim:
        network = Network(door=victim.port)
        for scheme in ("http", "https"):
            with pytest.raises(Refused, match="private, reserved or not on the Internet"):
                Outbound(resolve=network.resolve, connect=network.connect, tls=NO_TLS).send(
                    "POST", f"{scheme}://{host}/"
                )
        assert (network.connected, victim.requests) == ([], [])


@pytest.mark.parametrize(
    "url",
    [
        *(f"http://public.example:{port}/" for port in (22, 25, 6379, 8000)),
        "ftp://public.example/", "file:///etc/passwd", "gopher://public.example/", "//public.example/",
        "public.example", "http://user:secret@public.example/", "http://user@public.example/", "http://",
        "http://[::1", "http://[fe80::1%25lo]/",
    ],
)  # fmt: skip
def test_a_url_that_is_odd_is_refused_before_anything_is_looked_up(url: str) -> None:
    network = Network()
    with pytest.raises(Refused) as caught:
        Outbound(resolve=network.resolve, connect=network.connect, tls=NO_TLS).send("GET", url)
    assert (network.looked_up, network.connected) == ([], [])
    assert "secret" not in str(caught.value)


def test_a_name_is_looked_up_once_and_the_address_that_was_judged_is_connected_to() -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]
    with open_outlet(answer(b"hello")) as outlet:
        network = Network(door=outlet.port)
        guard = Outbound(resolve=lambda host, port: answers.pop(0), connect=network.connect, tls=NO_TLS)
        assert guard.send("GET", "http://rebinds.example/").body_start == b"hello"
        assert network.connected == [(PUBLIC, 80)]
        with pytest.raises(Refused):
            guard.send("GET", "http://rebinds.example/")
        assert len(outlet.requests) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "//127.0.0.1/",
        "http://mixed.example/",
        "http://public.example:6379/",
        "file:///etc/passwd",
        "http://[",
        "http://a:b@c/",
    ],
)
def test_a_redirect_is_judged_like_the_first_url(target: str) -> None:
    with open_outlet(answer(b"", b"Location: " + target.encode(), status=b"302 Found")) as outlet:
        network = Network(door=outlet.port)
        guard = Outbound(resolve=network.resolve, connect=network.connect, tls=NO_TLS)
        with pytest.raises(Refused):
            guard.send("GET", "http://public.example/", redirects=5)
        assert network.connected == [(PUBLIC, 80)]


def test_redirects_are_followed_only_where_asked_and_only_so_many() -> None:
    numbers = count()

    def behave(connection: socket.socket) -> None:
        answer(b"", b"Location: /%d" % next(numbers), status=b"302 Found")(connection)

    with open_outlet(behave) as outlet:
        assert private().send("GET", outlet.url).headers["location"] == "/0"
        assert private().send("GET", outlet.url, redirects=3).headers["location"] == "/4"
        assert private().send("POST", outlet.url, body=b"x", redirects=3).headers["location"] == "/5"
    assert [request.split()[1] for request in outlet.requests] == [b"/", b"/", b"/1", b"/2", b"/3", b"/"]


def test_headers_for_one_origin_do_not_follow_a_redirect_to_another() -> None:
    with open_outlet(answer(b"there")) as other:
        target = f"http://localhost:{other.port}/".encode()
        with open_outlet(answer(b"", b"Location: " + target, status=b"307 T")) as outlet:
            network = Network()
            guard = private(resolve=network.resolve)
            assert guard.send("GET", outlet.url, headers={"X-Key": "secret"}, redirects=1).body_start == b"there"
    assert b"x-key: secret" in outlet.requests[0].lower()
    assert b"x-key" not in other.requests[0].lower()


def test_an_allowed_server_is_reached_and_told_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    with open_outlet(answer(b'{"ok":1}', b"X-A: 1", b"X-a: 2", status=b"201 Made")) as outlet:
        got = private().send("POST", f"{outlet.url}hook?a=b", headers={"Content-Type": "application/json"}, body=b"{}")
    assert got == Answer(201, {"content-length": "8", "x-a": "1, 2"}, b'{"ok":1}', is_whole=True)
    head, _, body = outlet.requests[0].partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert (first, body) == ("POST /hook?a=b HTTP/1.1", b"{}")
    assert sorted(name.lower() for name in headers) == [
        "accept-encoding: identity",
        "accept: */*",
        "connection: close",
        "content-length: 2",
        "content-type: application/json",
        f"host: 127.0.0.1:{outlet.port}",
        "user-agent: shortmcp/0.1.0",
    ]


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:4700::1111%eth0", "example.com", "", "1.2.3"])
def test_what_is_no_plain_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_both_refusals_are_failures_that_a_job_may_try_again() -> None:
    assert issubclass(Refused, Failure)
    assert issubclass(Unreachable, Failure)
