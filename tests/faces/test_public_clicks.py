"""What a visit leaves behind: who counts as a person, and whose address it is."""

import time
from ipaddress import ip_network
from typing import Any

from sqlalchemy import text

from faces.test_public_redirect import ask, make_link
from factories import CHROME, Server
from shortmcp.faces.addresses import client_address

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
PROXIES = tuple(ip_network(network) for network in ("10.0.0.0/8", "::1/128", "127.0.0.1/32"))


def stored(server: Server, code: str, clicks: int) -> list[dict[str, Any]]:
    """The clicks of a link, when there are so many."""
    query = "SELECT c.* FROM clicks c JOIN links l ON l.id = c.link_id WHERE l.short_code = :code ORDER BY c.id"
    deadline = time.monotonic() + 5
    while True:
        with server.node.database.read() as connection:
            found = [dict(row) for row in connection.execute(text(query), {"code": code}).mappings()]
        if len(found) >= clicks:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_a_visit_is_in_the_database_within_a_second(server: Server) -> None:
    code = make_link(server)["short_code"]
    server.visit(code)
    began = time.monotonic()
    stored(server, code, 1)
    assert time.monotonic() - began < 1


def test_a_click_holds_what_the_visit_tells(server: Server) -> None:
    code = make_link(server)["short_code"]
    server.visit(
        f"{code}?utm_source=news&utm_medium=mail&utm_campaign=c&utm_term=t&utm_content=o",
        PHONE,
        referer="https://user:pw@News.example:443/a/b?secret=1#x",
        accept_language="fr;q=0.5, de-AT",
        x_forwarded_for="193.186.4.1",
    )
    click = stored(server, code, 1)[0]
    assert {name: click[name] for name in click.keys() - {"id", "link_id", "visitor", "clicked_at"}} == {
        "is_bot": False,
        "is_first": True,
        "referrer": "https://news.example/a/b",
        "country": click["country"],
        "language": "de",
        "device": "mobile",
        "os": "ios",
        "browser": "safari",
        "utm_source": "news",
        "utm_medium": "mail",
        "utm_campaign": "c",
        "utm_term": "t",
        "utm_content": "o",
    }
    assert len(click["country"]) == 2
    assert abs(click["clicked_at"] - time.time() * 1000) < 60_000


def test_head_refusals_and_fallbacks_count_nothing(server: Server) -> None:
    code, stopped = (make_link(server, **fields)["short_code"] for fields in ({}, {"is_active": False}))
    for target, method in ((code, "HEAD"), (code, "POST"), (stopped, "GET"), ("nobody-has-this", "GET")):
        ask(server, f"/{target}", method)
        ask(server, f"/{target}", method)
    server.visit(code)
    assert len(stored(server, code, 1)) == 1
    with server.node.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM clicks")).scalar_one() == 1


def test_prefetches_previews_and_programs_are_bots(server: Server) -> None:
    code = make_link(server)["short_code"]
    for header in ("Sec-Purpose: prefetch;prerender", "Purpose: prefetch", "X-Moz: prefetch", "X-Purpose: preview"):
        assert ask(server, f"/{code}", "GET", header).split()[1] == b"302"
    for agent in ("curl/8.9.1", "", "Slackbot-LinkExpanding 1.0", "WhatsApp/2.23.20.0", "Googlebot/2.1"):
        assert server.visit(code, agent).status_code == 302
    server.visit(code, purpose="navigation")
    clicks = stored(server, code, 10)
    assert [bool(click["is_bot"]) for click in clicks] == [True] * 9 + [False]
    with server.node.database.read() as connection:
        assert tuple(connection.execute(text("SELECT total, uniques, bots FROM link_days")).one()) == (1, 1, 9)


def test_visitors_are_told_apart_by_the_address_that_a_trusted_proxy_names(server: Server) -> None:
    code = make_link(server)["short_code"]
    for forwarded in ("203.0.113.1", "203.0.113.2", "198.51.100.9, 203.0.113.1", "203.0.113.1"):
        server.visit(code, x_forwarded_for=forwarded)
    ask(server, f"/{code}", "GET", "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.2")
    assert [bool(click["is_first"]) for click in stored(server, code, 5)] == [True, True, False, False, False]


def test_the_visitor_is_the_last_hop_that_no_trusted_proxy_is() -> None:
    expected = {
        ("203.0.113.9", "198.51.100.1"): "203.0.113.9",  # not from a proxy of ours: whatever it says is worth nothing
        ("10.0.0.1", "198.51.100.1"): "198.51.100.1",
        ("10.0.0.1", "6.6.6.6, 198.51.100.1"): "198.51.100.1",
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.9.9.9"): "198.51.100.1",
        ("10.0.0.1", "10.0.0.2, 10.0.0.3"): "10.0.0.2",
        ("10.0.0.1", "6.6.6.6, rubbish"): "rubbish",
        ("10.0.0.1", " , ,"): "10.0.0.1",
        ("::1", "2001:db8::7"): "2001:db8::7",
        ("::ffff:10.0.0.1", "198.51.100.1"): "198.51.100.1",
        ("", "198.51.100.1"): "",
    }
    assert {case: client_address(*case, PROXIES) for case in expected} == expected


def test_a_browser_s_own_words_cannot_break_the_journal(server: Server) -> None:
    code = make_link(server)["short_code"]
    server.visit(f"{code}?utm_source=%00%0a%22%5c%ff&utm_medium=" + "x" * 5000, CHROME + '"\\' * 400)
    ask(server, f"/{code}", "GET", "Referer: " + "\\" * 4000, "Accept-Language: " + "é" * 3000)
    server.visit(code)
    assert len(stored(server, code, 3)) == 3
