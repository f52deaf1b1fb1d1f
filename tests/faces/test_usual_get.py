"""What the pattern takes for a usual GET, the parser takes for the same: it may be left out, and never overruled."""

from typing import Any

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import CHROME
from shortmcp.faces.usual_get import read_usual_get

USUAL = (
    f"GET /launch?utm_source=x HTTP/1.1\r\nHost: sho.example\r\nUser-Agent: {CHROME}\r\nAccept: */*\r\n"
    "Accept-Language: de-AT\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
    "Upgrade-Insecure-Requests: 1\r\nReferer: https://t.co/\r\nX-Forwarded-For: 192.0.2.1\r\nCookie: a=b\r\n\r\n"
).encode()
PIECES = (
    *(b"GET ", b"HEAD ", b"/launch", b"?a=b", b"#c", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b" ", b"\t"),
    *(b"Host: a", b"host: b", b"User-Agent: c", b"USER-AGENT: d", b"Referer: e", b"referer:f", b"Accept-Language: g "),
    *(b"Connection: close", b"connection: keep-alive", b"Connection: Keep-Alive", b"Proxy-Connection: close"),
    *(b"Content-Length: 0", b"content-length: 5", b"Transfer-Encoding: chunked", b"Expect: 100-continue"),
    *(b"Upgrade: h2c", b"Sec-Purpose: prefetch", b"X-Moz: prefetch", b"X-Forwarded-For: 1.1.1.1", b"X-Other: 1"),
    *(b"Odd_Name: 1", b"Odd Name: 1", b": 1", b"Empty:", b"Empty: ", b"Latin: \xe9", b"Nul: \0", b"\xff", b"hello"),
)


class Reader:
    """What httptools tells of a request, in the order in which it tells it."""

    def __init__(self) -> None:
        self.url, self.headers, self.ended = b"", list[tuple[bytes, bytes]](), 0
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.ended += 1


def read_by_parser(sent: bytes) -> tuple[str, ...]:
    """What `read_usual_get` should say, by the parser; fails where that does not see one usual GET."""
    reader = Reader()
    reader.parser.feed_data(sent)
    found = dict(reader.headers)
    assert reader.ended == 1
    assert (reader.parser.get_method(), reader.parser.get_http_version()) == (b"GET", "1.1")
    assert reader.parser.should_keep_alive()
    assert not reader.parser.should_upgrade()
    assert found.keys().isdisjoint({b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"sec-purpose"})
    names = [name for name, _ in reader.headers]
    assert names.count(b"host") < 2
    assert names.count(b"x-forwarded-for") < 2
    parts: Any = httptools.parse_url(reader.url)
    wanted = (b"host", b"user-agent", b"referer", b"accept-language", b"x-forwarded-for")
    texts = (parts.path[1:], parts.query or b"", *(found.get(name, b"") for name in wanted))
    return tuple(text.decode("latin-1") for text in texts)


def test_a_browsers_visit_is_usual_and_read_as_the_parser_reads_it() -> None:
    assert read_usual_get(USUAL) == read_by_parser(USUAL)


@pytest.mark.parametrize(
    "header",
    [
        *(b"Connection: close", b"Proxy-Connection: close", b"Content-Length: 0", b"Transfer-Encoding: chunked"),
        *(b"Expect: 100-continue", b"Upgrade: h2c", b"Sec-Purpose: prefetch", b"X-Moz: prefetch", b"Purpose: preview"),
        *(b"Host: other.example", b"X-Forwarded-For: 192.0.2.2", b"Spaces: at the end ", b"Folded: a\r\n b"),
        *(b"Tab:\ta", b"No-Space:a", b"Latin: \xe9", b"Nul: \0", b"Bare: a\nb", b"Odd Name: a", b"USER-AGENT: other"),
    ],
)
def test_a_header_that_means_more_makes_a_visit_unusual(header: bytes) -> None:
    assert read_usual_get(USUAL[:-2] + header + b"\r\n\r\n") is None


@pytest.mark.parametrize(
    "sent", [USUAL[:-1], USUAL * 2, USUAL + b"x", USUAL.replace(b"GET", b"HEAD"), USUAL.replace(b"/1.1", b"/1.0"), b""]
)
def test_what_is_not_one_whole_get_is_unusual(sent: bytes) -> None:
    assert read_usual_get(sent) is None


@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_whatever_is_taken_for_usual_the_parser_reads_alike(data: st.DataObject) -> None:
    lines = USUAL.split(b"\r\n")[:-2]
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.just(0) | st.integers(0, len(lines) - 1))
        piece = data.draw(st.sampled_from(PIECES))
        how = data.draw(st.sampled_from(["insert", "replace", "append", "prepend", "within"]))
        if how == "insert":
            lines.insert(place, piece)
        elif how == "replace":
            lines[place] = piece
        elif how == "within":
            middle = data.draw(st.integers(0, len(lines[place])))
            lines[place] = lines[place][:middle] + piece + lines[place][middle:]
        else:
            lines[place] = lines[place] + piece if how == "append" else piece + lines[place]
    sent = b"\r\n".join(lines) + b"\r\n\r\n"
    visit = read_usual_get(sent)
    if visit is not None:
        assert visit == read_by_parser(sent)
