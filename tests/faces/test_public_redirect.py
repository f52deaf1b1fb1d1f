"""What a visitor of a short link gets, byte by byte, on real sockets."""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
from sqlalchemy import text

from factories import CHROME, TLS, Server


def make_link(server: Server, **fields: Any) -> dict[str, Any]:
    """A link of a new workspace, as the API shows it."""
    with server.client(server.open_workspace()) as client:
        made = client.post("/links", json={"original_url": "https://example.com/x", "title": "X", **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]


def exchange(server: Server, request: bytes) -> bytes:
    """The whole answer to raw bytes; the request must ask for the connection to be closed."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def ask(server: Server, target: str, method: str = "GET", *headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: short.test", f"User-Agent: {CHROME}", "Connection: close", *headers]
    return exchange(server, "\r\n".join([*lines, "", ""]).encode())


def update(server: Server, code: str, change: dict[str, Any]) -> None:
    """Change a link behind the API's back, as another process does; this one is told."""
    columns = ", ".join(f"{name} = :{name}" for name in change)
    with server.begin() as ctx:
        statement = text(f"UPDATE links SET {columns} WHERE short_code = :code")  # noqa: S608
        ctx.session.connection().execute(statement, {**change, "code": code})
        ctx.changed_codes.add(code)


def test_a_visit_is_answered_with_a_302_that_nobody_may_cache(server: Server) -> None:
    code = make_link(server)["short_code"]
    for _ in range(2):  # from the database, then from memory
        head, _, body = ask(server, f"/{code}").partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        sent = [header for header in headers if not header.startswith((b"date:", b"connection:"))]
        assert status == b"HTTP/1.1 302 Found"
        assert sent == [
            b"location: https://example.com/x",
            b"cache-control: private, no-store",
            b"content-length: 0",
        ]
        assert body == b""


def test_location_is_one_line_of_ascii_whatever_the_destination(server: Server) -> None:
    destinations = {
        "https://example.com/ä?q=ü#ß": b"https://example.com/%C3%A4?q=%C3%BC#%C3%9F",
        "https://bücher.example/": b"https://xn--bcher-kva.example/",
        "https://example.com/a b/%zz": b"https://example.com/a%20b/%zz",
        "mailto:ann@example.com?subject=a%20b": b"mailto:ann@example.com?subject=a%20b",
    }
    for given, sent in destinations.items():
        lines = ask(server, "/" + make_link(server, original_url=given)["short_code"]).split(b"\r\n")
        assert [line for line in lines if line.lower().startswith(b"location")] == [b"location: " + sent]


def test_head_gets_the_headers_of_get(server: Server) -> None:
    code = make_link(server)["short_code"]
    for target in (f"/{code}", "/nobody-has-this"):
        get, head = (ask(server, target, method).split(b"\r\n\r\n") for method in ("GET", "HEAD"))
        assert [line for line in head[0].split(b"\r\n") if not line.startswith(b"date:")] == [
            line for line in get[0].split(b"\r\n") if not line.startswith(b"date:")
        ]
        assert head[1] == b""


def test_a_link_that_does_not_work_leads_to_its_fallback_or_is_gone(server: Server) -> None:
    for change in ({"is_active": False}, {"expires_at": 1_577_836_800_000_000}):
        sent_on = make_link(server, redirect_url="https://example.com/later")["short_code"]
        stopped = make_link(server)["short_code"]
        for code in (sent_on, stopped):
            update(server, code, change)
        answer = server.visit(sent_on)
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/later")
        assert answer.headers["cache-control"] == "private, no-store"
        answer = server.visit(stopped)
        assert (answer.status_code, "location" in answer.headers) == (410, False)
        assert ("switched off" if "is_active" in change else "has expired") in answer.text


def test_a_deleted_link_is_gone_and_an_unknown_one_is_not_found(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client:
        code = client.post("/links", json={"original_url": "https://example.com", "title": "X"}).json()["data"][
            "short_code"
        ]
        assert server.visit(code).status_code == 302
        assert client.delete(f"/links/{code}").status_code == 204
    assert server.visit(code).status_code == 410
    unknown = server.visit("nobody-has-this")
    assert (unknown.status_code, unknown.headers["cache-control"]) == (404, "private, no-store")


def test_a_link_stops_at_its_very_moment(server: Server) -> None:
    code = make_link(server)["short_code"]
    moment = time.time_ns() // 1000 + 500_000
    update(server, code, {"expires_at": moment})
    seen: list[tuple[int, int, int]] = []
    while not seen or seen[-1][0] < moment:
        before = time.time_ns() // 1000
        status = server.visit(code).status_code
        seen.append((before, time.time_ns() // 1000, status))
    assert {status for _, after, status in seen if after < moment} == {302}
    assert {status for before, _, status in seen if before >= moment} == {410}


def test_other_methods_are_refused(server: Server) -> None:
    code = make_link(server)["short_code"]
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = httpx2.request(method, f"{server.url}/{code}", trust_env=False, verify=TLS)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_query_changes_nothing_about_where_a_link_leads(server: Server) -> None:
    code = make_link(server)["short_code"]
    for name in ("redir_url", "url", "next", "redirect_url", "original_url", "utm_source"):
        answer = server.visit(f"{code}?{name}=https://evil.example/")
        assert answer.headers["location"] == "https://example.com/x"
