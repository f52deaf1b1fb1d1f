"""Odd paths, odd hosts: everything has a defined answer, and none is ours to blame."""

import re

from faces.test_public_redirect import ask, exchange, make_link
from factories import CHROME, Server

BROKEN_LINES = [
    b"GET /l\xe4unch HTTP/1.1",
    b"GET launch HTTP/1.1",
    b"GET /launch HTTP/9.9",
    b"GET http:///launch HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"CONNECT launch:443 HTTP/1.1",
    b"GET  HTTP/1.1",
    b"G\x00T /launch HTTP/1.1",
]
POISON = [
    ["Host: evil.example"],
    ["X-Forwarded-Host: evil.example"],
    ["Forwarded: host=evil.example;proto=https"],
    ["X-Forwarded-Proto: evil", "X-Original-URL: /evil", "X-Rewrite-URL: /evil"],
]
PATHS = {
    "/launch": 302,
    "/Launch": 302,
    "/%6caunch": 302,
    "/%4Caunch": 302,
    "/launch/": 302,
    "/launch?": 302,
    "/launch#top": 302,
    "/launch//": 404,
    "//launch": 404,
    "/launch/more": 404,
    "/launch%00": 404,
    "/launch%0d%0aSet-Cookie:a=b": 404,
    "/launch%20": 404,
    "/%2flaunch": 404,
    "/..%2f": 404,
    "/..%2flaunch": 404,
    "/../launch": 404,
    "/./launch": 404,
    "/%2e%2e/launch": 404,
    "/launch;a=b": 404,
    "/launch%zz": 404,
    "/%ff": 404,
    "/l%C3%A4unch": 404,
    "/%D0%B0bc": 404,
    "/launc%E2%84%8E": 404,
    "/" + "a" * 10_000: 404,
    "/launch?" + "a" * 10_000: 302,
    "http://evil.example/launch": 302,
    "/": 404,
    "/.": 404,
    "/api": 404,
    "/robots.txt": 404,
}


def test_every_path_has_a_defined_answer(server: Server) -> None:
    make_link(server, short_code="launch")
    for _ in range(2):  # before and after the link is kept in memory
        answers = {target: ask(server, target) for target in PATHS}
        assert {target: int(answer.split()[1]) for target, answer in answers.items()} == PATHS
        assert b"evil" not in b"".join(answers.values())
        assert b"Set-Cookie" not in b"".join(answers.values())


def test_letters_outside_ascii_do_not_become_ascii_by_lower_case(server: Server) -> None:
    make_link(server, short_code="kelvin")
    assert ask(server, "/kelvin").split()[1] == b"302"
    assert ask(server, "/%E2%84%AAelvin").split()[1] == b"404"


def test_broken_request_lines_are_answered_without_a_fault_of_ours(server: Server) -> None:
    answers = [exchange(server, line + b"\r\nHost: a\r\nConnection: close\r\n\r\n") for line in BROKEN_LINES]
    assert {answer.split()[1][:1] for answer in answers} == {b"4"}, answers


def test_http_1_0_without_a_host_is_redirected_and_closed(server: Server) -> None:
    make_link(server, short_code="launch")
    answer = exchange(server, b"GET /launch HTTP/1.0\r\nUser-Agent: " + CHROME.encode() + b"\r\n\r\n")
    assert answer.split()[1] == b"302"


def test_no_header_names_where_an_answer_leads(server: Server) -> None:
    make_link(server, short_code="launch")
    for headers in POISON:
        for target, status in (("/launch", b"302"), ("/nobody-has-this", b"404"), ("//launch", b"404")):
            answer = ask(server, target, "GET", *headers)
            assert (answer.split()[1], b"evil" in answer) == (status, False)


def test_the_api_s_short_urls_come_from_the_settings_alone(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client:
        poison = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        made = client.post("/links", json={"original_url": "https://example.com", "title": "X"}, headers=poison)
        listed = client.get("/links", params={"page": 1, "per_page": 1}, headers=poison)
    assert made.json()["data"]["short_url"].startswith(server.url + "/")
    assert "evil" not in made.text + listed.text + str(made.headers) + str(listed.headers)


def test_pipelined_visits_are_answered_in_order(server: Server) -> None:
    make_link(server, short_code="launch")
    make_link(server, short_code="other", original_url="https://example.com/other")
    paths = [b"/launch", b"/other", b"/nobody", b"/launch"]
    one = b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n"
    requests = [one % (path, b"Connection: close\r\n" if number == 3 else b"") for number, path in enumerate(paths)]
    answer = exchange(server, b"".join(requests))
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"302", b"302", b"404", b"302"]
    assert re.findall(rb"location: (\S+)", answer) == [
        b"https://example.com/x",
        b"https://example.com/other",
        b"https://example.com/x",
    ]
