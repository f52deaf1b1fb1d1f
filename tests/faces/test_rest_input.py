"""What nobody should send: each field of each write, on both databases, refused by name with nothing stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest

from calls import URL, make_link
from dumps import dump
from factories import Server

WRONG_TYPES: tuple[Any, ...] = (True, 7, -1, 1.5, 2**53, 2**63, 2**64, 1e308, [], ["x"], {}, {"a": 1})
WRONG_LINES = ("", "   ", "a\0b", "\0", "a\x07b", "a\nb", "a\rb", "a\tb", "\x1b[31m", "a\x7fb", "a\u0085b", "x" * 256)
WRONG_PARAGRAPHS = ("a\0b", "a\x07b", "\x1b[31m", "x" * 1001)
WRONG_RECIPIENTS = (
    "nobody", "a@", "@b.com", "a@b", "a@b.com\0", "a@b.com\nBcc: c@d.com", "a@b.com;c@d.com", "a b@c.com",
    ",".join(["a@example.com"] * 21), "x" * 5001, '"a@b.com', "a@[127.0.0.1]", "<a@b.com>",
)  # fmt: skip
WRONG_URLS = (
    "", " ", "example.com", "//evil.example", "/\\evil.example", "javascript:alert(1)", "JaVa\tscript:alert(1)",
    " https://example.com", "\x01https://example.com", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "blob:https://example.com/x", "ftp://example.com", "https://", "https:///path", "https:example.com",
    "https:\\\\evil.example", "https://good.example@evil.example", "https://exa\nmple.com",
    "https://example.com/\r\nX: y",
    "https://example.com/\0", "https://example.com/a\\b", "https://example.com/\u202egpj", "https://a..b/", "https://[::1",
    "https://example.com:99999/", "mailto:", "mailto:nobody", "tel:", "tel:*21#", "https://example.com/" + "x" * 2048,
)  # fmt: skip
PROJECT: dict[str, tuple[Any, ...]] = {
    "name": (*WRONG_TYPES, *WRONG_LINES, None),
    "slug": (*WRONG_TYPES, *WRONG_LINES, "123", "---", "\u212a", "日本"),
    "description": (*WRONG_TYPES, *WRONG_PARAGRAPHS),
    "monthly_report_recipients": (*WRONG_TYPES, *WRONG_RECIPIENTS),
    "weekly_report_recipients": (*WRONG_TYPES, *WRONG_RECIPIENTS),
}
LINK: dict[str, tuple[Any, ...]] = {
    "original_url": (*WRONG_TYPES, *WRONG_URLS, None),
    "title": (*WRONG_TYPES, *WRONG_LINES, None),
    "short_code": (*WRONG_TYPES, *WRONG_LINES, "a.b", "admin", "x" * 65, "\u0430"),
    "expires_at": (*WRONG_TYPES, "", "soon", "2030-02-30", "2016-12-31T23:59:60Z", "\0", "9" * 5000),
    "is_active": (7, -1, 1.5, 2**63, 2**64, [], {}, "", "maybe", "\0", None),
    "redirect_url": (*WRONG_TYPES, *WRONG_URLS),
}
FOREIGN: dict[str, Any] = {
    "id": 7, "workspace_id": 1, "project_id": 1, "clicks": 9, "created_at": "2020-01-01T00:00:00Z", "updated_at": None,
    "is_effectively_active": True, "short_url": "https://evil.example/", "short_links_count": 5,
    "safety_status": "safe", "plan": "unlimited", "Title": "x", "__class__": "x", "title ": "x",
    "current_original_url": URL,
    "new_short_code": "x", "dateFrom": "2020-01-01", "page": 1,
}  # fmt: skip
HOSTILE_NAMES = {"a\0b": "unknown", "x" * 9000: "unknown", "<script>": "unknown", "é": "unknown", "": "unknown"}


@dataclass(frozen=True)
class Write:
    """A write, what makes it valid, and the values that each of its fields must refuse."""

    method: str
    path: str
    valid: dict[str, Any]
    wrong: dict[str, tuple[Any, ...]]

    def send(self, client: httpx2.Client, **fields: Any) -> httpx2.Response:
        return client.request(self.method, self.path, content=encode({**self.valid, **fields}))


CREATED = {"original_url": URL, "title": "Valid"}
WRITES = (
    Write("POST", "/projects", {"name": "Valid"}, PROJECT),
    Write("PATCH", "/projects/kept", {"description": "Valid"}, PROJECT),
    Write(
        "POST",
        "/links",
        {"original_url": URL, "title": "Valid"},
        {**LINK, "project": (True, 1.5, [], {}, "\0", "x" * 256)},
    ),
    Write("POST", "/projects/kept/links", {"original_url": URL, "title": "Valid"}, LINK),
    Write("PATCH", "/links/kept-link", {"title": "Valid"}, LINK),
)


def encode(content: dict[str, Any]) -> bytes:
    # Unlike orjson, the standard library writes integers of any size.
    return b"{" + b",".join(orjson.dumps(name) + b":" + _encode(value) for name, value in content.items()) + b"}"


def _encode(value: Any) -> bytes:
    return str(value).encode() if type(value) is int else orjson.dumps(value)


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.client(server.open_workspace(name="Kept")) as opened:
        make_link(opened, short_code="kept-link")
        yield opened


def test_each_field_refuses_by_name_what_it_cannot_hold(server: Server, client: httpx2.Client) -> None:
    before = dump(server)
    for write in WRITES:
        for field, values in write.wrong.items():
            for value in values:
                answer = write.send(client, **{field: value})
                seen = (write.path, field, value, answer.status_code, answer.json().get("errors", {}).keys())
                assert seen == (write.path, field, value, 422, {field}), answer.text
                sentence = answer.json()["errors"][field][0]
                assert sentence.startswith((f"`{field}` ", f"The {field.replace('_', ' ')} field "))
                assert answer.json()["message"] == sentence
                assert "pydantic" not in answer.text
                assert sentence != f"`{field}` is not valid: see the operation's schema."
    assert dump(server) == before


def test_no_field_may_be_set_that_the_operation_does_not_have(server: Server, client: httpx2.Client) -> None:
    before = dump(server)
    for write in WRITES:
        for name, value in FOREIGN.items():
            shown = name if name != "title " else "unknown"
            answer = write.send(client, **{name: value})
            assert (name, answer.status_code, list(answer.json()["errors"])) == (name, 422, [shown])
            assert answer.json()["message"].startswith(f"`{shown}` is not a field of this operation; its fields: `")
        for name, shown in HOSTILE_NAMES.items():
            answer = write.send(client, **{name: "x"})
            assert (answer.status_code, list(answer.json()["errors"])) == (422, [shown])
            assert len(answer.content) < 1000
        answer = client.request(write.method, write.path, params={"title": "x"}, json=write.valid)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["title"])
    twice = client.post("/projects/kept/links", json={"original_url": URL, "title": "x", "project": "kept"})
    sentence = "`project` is given by the path: leave it out of the JSON body."
    assert (twice.status_code, twice.json()["errors"]) == (422, {"project": [sentence]})
    misplaced = client.post("/links", params={"title": "x"}, json={"original_url": URL})
    assert misplaced.json()["message"] == "`title` belongs into the JSON body: leave it out of the query string."
    assert dump(server) == before


def test_what_is_no_json_object_is_malformed(server: Server, client: httpx2.Client) -> None:
    deep = 100_000
    valid = b'{"original_url":"https://example.com/","title":"x"'
    bodies = (
        b"{", b"[]", b'"text"', b"1", b"null", b"true", b"{'a':1}", b"{a:1}", b"\xff\xfe{}", b'{"title":"\xff"}',
        b"\x00",
        b'{"title":"\xed\xa0\x80"}', b'{"title":"\\ud800"}', b'{"title":"\\udc00\\ud800"}', b"title=x&original_url=y",
        valid + b',"is_active":NaN}', valid + b',"is_active":Infinity}', valid + b',"x":1e400}', valid + b"}}", valid,
        valid + b',"x":' + b"[" * deep + b"]" * deep + b"}", b"[" * deep, b'{"a":' * deep, b"\xef\xbb\xbf{}",
        valid + b',"x":' + b"9" * 5000 + b"}", b"<xml/>",
    )  # fmt: skip
    before = dump(server)
    for write in WRITES:
        for body in bodies:
            answer = client.request(write.method, write.path, content=body)
            seen = (body[:60], answer.status_code, answer.json()["code"])
            assert seen in {(body[:60], 400, "malformed"), (body[:60], 422, "invalid")}
            assert answer.json()["message"].startswith("The body must be" if seen[1] == 400 else "`")
    assert dump(server) == before


def test_bodies_that_are_compressed_or_too_large_are_refused(server: Server, client: httpx2.Client) -> None:
    before = dump(server)

    def chunks(count: int) -> Iterator[bytes]:
        yield from (b" " * 100_000 for _ in range(count))

    for write in WRITES:
        for coding in ("gzip", "br", "GZIP", "identity, gzip"):
            answer = client.request(write.method, write.path, content=b"{}", headers={"Content-Encoding": coding})
            sentence = "The body must not be compressed: send it without Content-Encoding."
            assert (answer.status_code, answer.json()) == (400, {"message": sentence, "code": "malformed"})
    for body in (b" " * 10_000_000, chunks(100)):
        answer = client.post("/links", content=body)
        sentence = "The body may be at most 2097152 bytes long."
        assert (answer.status_code, answer.json()) == (413, {"message": sentence, "code": "too_large"})
    assert dump(server) == before


def test_queries_refuse_by_name_what_they_do_not_know(server: Server, client: httpx2.Client) -> None:
    reads = ("/projects", "/projects/kept", "/links/kept-link", "/links/kept-link/qr", "/usage", "/analytics")
    before = dump(server)
    for path in reads:
        for value in ("%", "_", "\\", "'", "[", "x" * 10_000, "%a" * 50):
            answer = client.get(path, params={"search": value})
            assert (path, answer.status_code, list(answer.json()["errors"])) == (path, 422, ["search"])
        for query in ("search=%FF", "a=%ED%A0%80", "&".join(f"a{number}=1" for number in range(51)), "\xff=1"):
            answer = client.get(f"{path}?{query}")
            assert (path, answer.status_code) == (path, 422)
    wrong = {
        "/links/-": {"original_url": ("\0", "x" * 2049)},
        "/links/kept-link/qr": {
            "format": ("gif", "SVG", ""), "size": ("0", "41", "x", "1.5"), "border": ("-1", "21"),
            "dark": ("red", "#12345", '"><script>', "url(javascript:x)", "#1234567"), "light": ("#GGGGGG",),
            "error_correction": ("l", "X"),
        },
        "/links/kept-link/analytics": {
            "timezone": ("Mars/Olympus", "localtime", "posixrules", "../etc/passwd", "\0", "", "x" * 5000),
            "dateFrom": ("x", "2030-02-30", "20260101", "\0"), "dateTo": ("x", "2026-13-01"),
        },
    }  # fmt: skip
    for path, fields in wrong.items():
        for field, values in fields.items():
            for value in values:
                answer = client.get(path, params={field: value})
                seen = (path, field, value, answer.status_code, list(answer.json().get("errors", {})))
                assert seen == (path, field, value, 422, [field])
    assert dump(server) == before
