"""Services that know unsafe URLs: what they say is understood, and everything else is no answer."""

from collections.abc import Callable, Iterator

import pytest

from factories import free_port
from outlets import open_outlet, private, say
from services import KEY, Said, Services, open_services
from shortmcp.adapters.outbound import Outbound, Unreachable
from shortmcp.adapters.safety import SafeBrowsing4, SafeBrowsing5, UrlHaus
from shortmcp.adapters.safety.answers import NoAnswer
from shortmcp.core.jobs import Failure
from shortmcp.core.links.safety import SafetyProvider

Make = Callable[[Outbound, str, str], SafetyProvider]
MAKERS: list[Make] = [SafeBrowsing4, SafeBrowsing5, UrlHaus]
GOOGLE: list[Make] = [SafeBrowsing4, SafeBrowsing5]
URL = "https://evil.example/a?b=c&d=%20#part"
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


@pytest.fixture
def services() -> Iterator[Services]:
    """All services, knowing nothing yet."""
    with open_services() as opened:
        yield opened


@pytest.mark.parametrize("make", MAKERS)
def test_a_url_that_nobody_knows_is_no_threat_and_one_that_is_known_is(make: Make, services: Services) -> None:
    provider = make(private(), services.url, KEY)
    assert (provider.look_up(URL), provider.is_local, provider.is_ready()) == ("", False, True)
    services.threats[URL] = "MALWARE"
    assert provider.look_up(URL) == "malware"
    assert provider.look_up("https://good.example/") == ""
    assert services.asked == [URL, URL, "https://good.example/"]


@pytest.mark.parametrize("make", GOOGLE)
@pytest.mark.parametrize(
    ("threat", "words"),
    [
        ("SOCIAL_ENGINEERING", "phishing"),
        ("UNWANTED_SOFTWARE", "unwanted software"),
        ("POTENTIALLY_HARMFUL_APPLICATION", "a harmful application"),
    ],
)
def test_google_s_kinds_of_threat_have_words_of_ours(make: Make, services: Services, threat: str, words: str) -> None:
    services.threats[URL] = threat
    assert make(private(), services.url, KEY).look_up(URL) == words


def test_version_5_is_understood_in_protocol_buffers_too(services: Services) -> None:
    services.speaks_protobuf = True
    provider = SafeBrowsing5(private(), services.url, KEY)
    assert provider.look_up(URL) == ""
    services.threats[URL] = "SOCIAL_ENGINEERING"
    assert provider.look_up(URL) == "phishing"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"\x0a\x02\x10\x02\x12\x00", "phishing"),  # a threat type that is not packed
        (b"\x0a\x02\x10\x63\x12\x00", "a threat"),  # one of a kind that is not known yet
        (b"\x0a\x00\x12\x00", "a threat"),  # one that says nothing of itself
        (b"\x1d\0\0\0\0\x21\0\0\0\0\0\0\0\0\x28\x01\x12\x00", ""),  # fields that may come one day
    ],
)
def test_protocol_buffers_are_read_whatever_form_they_take(services: Services, said: bytes, words: str) -> None:
    services.says = (200, PROTOBUF, said)
    assert SafeBrowsing5(private(), services.url, KEY).look_up(URL) == words


def test_what_urlhaus_lists_as_offline_is_no_threat_at_the_moment(services: Services) -> None:
    services.threats[URL], services.url_status = "MALWARE", "offline"
    assert UrlHaus(private(), services.url, KEY).look_up(URL) == ""
    services.url_status = "unknown"
    assert UrlHaus(private(), services.url, KEY).look_up(URL) == "malware"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "says",
    [
        (500, JSON, b"{}"), (503, "text/html", b"<h1>Away</h1>"), (429, JSON, b"{}"), (204, JSON, b""),
        (302, "text/plain", b""), (200, JSON, b""), (200, JSON, b"[]"), (200, JSON, b"null"), (200, JSON, b"{"),
        (200, JSON, b'{"error": {"code": 403}}'), (200, JSON, b'{"matches": 1, "threats": 1, "query_status": 1}'),
        (200, JSON, b'{"matches": [1], "threats": [1], "cacheDuration": "1s", "query_status": "ok"}'),
        (200, JSON, b'{"query_status": "invalid_url"}'), (200, "text/html", b"<h1>Log in</h1>"),
        (200, JSON, b"{" + b" " * 70_000 + b"}"), (200, PROTOBUF, b"garbage"), (200, PROTOBUF, b""),
        (200, PROTOBUF, b"\x0a\x7f"), (200, PROTOBUF, b"\xff" * 20), (200, PROTOBUF, b"\x08\x01\x12\x00"),
        (200, PROTOBUF, b"\x12\x00" * 40_000),
    ],
)  # fmt: skip
def test_what_is_not_as_documented_is_no_answer(make: Make, services: Services, says: Said) -> None:
    services.says = says
    with pytest.raises(NoAnswer):
        make(private(), services.url, KEY).look_up(URL)


@pytest.mark.parametrize("make", MAKERS)
def test_a_service_that_hangs_or_is_away_is_no_answer_in_time(make: Make, services: Services) -> None:
    services.hangs = True
    with pytest.raises(Unreachable):
        make(private(deadline=0.2), services.url, KEY).look_up(URL)
    with pytest.raises(Unreachable):
        make(private(), f"http://127.0.0.1:{free_port()}", KEY).look_up(URL)
    with open_outlet(say(b"not HTTP\r\n\r\n")) as outlet, pytest.raises(Unreachable):
        make(private(), outlet.url.rstrip("/"), KEY).look_up(URL)


@pytest.mark.parametrize("make", MAKERS)
def test_a_key_is_in_no_address_no_failure_and_no_representation(make: Make, services: Services) -> None:
    provider = make(private(), services.url, "wrong-secret")
    with pytest.raises(Failure) as caught:
        provider.look_up(URL)
    assert "wrong-secret" not in f"{caught.value!r} {provider!r}"
    with open_outlet(say(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as outlet:
        with pytest.raises(Failure):
            make(private(), outlet.url.rstrip("/"), "wrong-secret").look_up(URL)
        assert b"wrong-secret" not in outlet.requests[0].splitlines()[0]
        assert b"wrong-secret" in outlet.requests[0]
