"""What visitors of links with powers get: passwords, limits, masks, previews and handed-on queries."""

import re
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from calls import at_once, make_link
from factories import CHROME, TLS, Server

SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"


def make(server: Server, **fields: Any) -> str:
    with server.client(server.open_workspace()) as client:
        return make_link(client, **fields)["short_code"]


def browser(server: Server, address: str = "192.0.2.1") -> httpx2.Client:
    headers = {"User-Agent": CHROME, "X-Forwarded-For": address}
    return httpx2.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False, verify=TLS)


def test_a_link_with_a_password_asks_for_it_and_then_lets_in(server: Server) -> None:
    code = make(server, password="open sesame")
    with browser(server) as visitor:
        asked = visitor.get(f"/{code}?utm_source=x")
        assert (asked.status_code, "location" in asked.headers) == (200, False)
        assert f'action="/{code}?utm_source=x"' in asked.text

        entered = visitor.post(f"/{code}", data={"password": "open sesame"})
        assert (entered.status_code, entered.headers["location"]) == (303, "https://example.com/page")
        cookie = entered.headers["set-cookie"]
        assert re.fullmatch(rf"unlocked=[0-9a-f.]+; Path=/{code}; Max-Age=43200; HttpOnly; SameSite=Lax", cookie)

        again = visitor.get(f"/{code}")
        assert (again.status_code, again.headers["location"]) == (302, "https://example.com/page")


def test_a_wrong_password_tells_nothing_and_ten_of_them_are_enough(server: Server) -> None:
    code = make(server, password="open sesame")
    with browser(server) as guesser, browser(server, "192.0.2.2") as other:
        wrong = [guesser.post(f"/{code}", data={"password": f"guess {number}"}) for number in range(10)]
        assert {(answer.status_code, "set-cookie" in answer.headers) for answer in wrong} == {(403, False)}
        limited = guesser.post(f"/{code}", data={"password": "open sesame"})
        assert limited.status_code == 429
        assert 0 < int(limited.headers["retry-after"]) <= 600
        assert other.post(f"/{code}", data={"password": "open sesame"}).status_code == 303


def test_right_passwords_use_no_tries_up(server: Server) -> None:
    code = make(server, password="open sesame")
    statuses = set[int]()
    for _ in range(15):
        with browser(server) as visitor:
            statuses.add(visitor.post(f"/{code}", data={"password": "open sesame"}).status_code)
    assert statuses == {303}


def test_a_password_reads_the_same_however_its_accents_are_typed(server: Server) -> None:
    code = make(server, password="caf\u00e9 " + "x" * 100)
    with browser(server) as visitor:
        assert visitor.post(f"/{code}", data={"password": "cafe\u0301 " + "x" * 100}).status_code == 303
        assert visitor.post(f"/{code}", data={"password": "cafe " + "x" * 100}).status_code == 403


def test_a_changed_password_and_another_link_ask_again(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client, browser(server) as visitor:
        code, other = (make_link(client, password="open sesame")["short_code"] for _ in range(2))
        cookie = visitor.post(f"/{code}", data={"password": "open sesame"}).headers["set-cookie"].partition(";")[0]
        assert visitor.get(f"/{other}", headers={"Cookie": cookie}).status_code == 200
        assert visitor.get(f"/{code}", headers={"Cookie": cookie}).status_code == 302
        client.patch(f"/links/{code}", json={"password": "another one"})
        assert visitor.get(f"/{code}", headers={"Cookie": cookie}).status_code == 200


@pytest.mark.parametrize("cookie", ["unlocked=", "unlocked=9.9", "unlocked=99999999999.ff", "unlocked=٣.é", "x" * 5000])
def test_a_made_up_cookie_opens_nothing(server: Server, cookie: str) -> None:
    code = make(server, password="open sesame")
    with browser(server) as visitor:
        assert visitor.get(f"/{code}", headers=[(b"Cookie", cookie.encode())]).status_code == 200


def test_neither_head_nor_preview_bots_learn_what_a_password_protects(server: Server) -> None:
    code = make(server, password="open sesame", title="Secret plans", og_title="Shared plans", max_clicks=1)
    with browser(server) as visitor:
        for answer in (
            visitor.head(f"/{code}"),
            visitor.get(f"/{code}", headers={"User-Agent": SLACK}),
            visitor.post(f"/{code}", data={"password": "wrong"}),
        ):
            assert "location" not in answer.headers
            assert not re.search("example.com|plans|Shared", answer.text)


@pytest.mark.parametrize("form", [b"", b"password=", b"\xff\xfe=1", b"pass=word&" * 600, b"password=" + b"x" * 300])
def test_a_broken_form_is_a_wrong_password(server: Server, form: bytes) -> None:
    code = make(server, password="open sesame")
    with browser(server) as visitor:
        assert visitor.post(f"/{code}", content=form).status_code == 403


def test_only_a_link_with_a_password_takes_post(server: Server) -> None:
    with browser(server) as visitor:
        answer = visitor.post(f"/{make(server)}", data={"password": "x"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        answer = visitor.put(f"/{make(server, password='x')}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_as_many_visitors_as_allowed_reach_the_destination(server: Server) -> None:
    code = make(server, max_clicks=5)
    answers = at_once(*[lambda: server.visit(code)] * 30)
    assert sorted(answer.status_code for answer in answers) == [302] * 5 + [410] * 25


def test_a_used_up_link_leads_to_its_fallback_and_is_not_active(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="once", max_clicks=1, redirect_url="https://example.com/later")
        assert [server.visit("once").headers["location"] for _ in range(2)] == [
            "https://example.com/page",
            "https://example.com/later",
        ]
        assert client.get("/links/once").json()["data"]["is_effectively_active"] is False
        raised = client.patch("/links/once", json={"max_clicks": 2}).json()["data"]
        assert (raised["is_effectively_active"], server.visit("once").headers["location"]) == (
            True,
            "https://example.com/page",
        )


@pytest.mark.parametrize("asks", ["head", "prefetch", "preview"])
def test_who_does_not_click_uses_nothing_up_and_learns_nothing(server: Server, asks: str) -> None:
    code = make(server, max_clicks=1)
    with browser(server) as visitor:
        for _ in range(3):
            answer = {
                "head": lambda: visitor.head(f"/{code}"),
                "prefetch": lambda: visitor.get(f"/{code}", headers={"Sec-Purpose": "prefetch"}),
                "preview": lambda: visitor.get(f"/{code}", headers={"User-Agent": SLACK}),
            }[asks]()
            assert ("location" in answer.headers, "example.com/page" in answer.text) == (False, False)
        assert visitor.get(f"/{code}").status_code == 302


def test_a_password_and_a_limit_together_use_a_click_up_when_the_password_is_right(server: Server) -> None:
    code = make(server, max_clicks=1, password="open sesame")
    with browser(server) as visitor:
        assert visitor.get(f"/{code}").status_code == 200
        assert visitor.post(f"/{code}", data={"password": "wrong"}).status_code == 403
        assert visitor.post(f"/{code}", data={"password": "open sesame"}).status_code == 303
        assert visitor.get(f"/{code}").status_code == 410


def test_a_masked_link_shows_its_destination_in_a_frame_that_cannot_lead_away(server: Server) -> None:
    code = make(server, mask=True, og_title='Our "launch"', title="Not for visitors")
    answer = server.visit(code)
    frame = re.search(r"<iframe[^>]*>", answer.text)
    assert answer.status_code == 200
    assert frame
    assert 'src="https://example.com/page"' in frame[0]
    assert 'referrerpolicy="no-referrer"' in frame[0]
    assert "allow-top-navigation" not in frame[0]
    assert ("Our &#34;launch&#34;" in answer.text, "Not for visitors" in answer.text) == (True, False)


def test_preview_bots_get_the_link_s_own_words_and_no_redirect(server: Server) -> None:
    code = make(server, og_title="We launch", og_description="Come.", og_image="https://example.com/l.png")
    shown = server.visit(code, user_agent=SLACK)
    assert (shown.status_code, "location" in shown.headers) == (200, False)
    tags = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', shown.text))
    assert {name: tags[name] for name in ("title", "description", "image", "url")} == {
        "title": "We launch",
        "description": "Come.",
        "image": "https://example.com/l.png",
        "url": f"{server.url}/{code}",
    }
    assert server.visit(code).headers["location"] == "https://example.com/page"
    # A plain link's preview is its destination's own.
    assert server.visit(make(server), user_agent=SLACK).status_code == 302


@pytest.mark.parametrize(
    ("destination", "query", "expected"),
    [
        ("https://example.com/a", "x=1&y=%20b", "https://example.com/a?x=1&y=%20b"),
        ("https://example.com/a?x=0#part", "x=1&%78=2&z=3", "https://example.com/a?x=0&z=3#part"),
        ("https://example.com/a?x", "x=1&flag", "https://example.com/a?x&flag"),
        ("https://example.com/a", "", "https://example.com/a"),
        ("https://example.com/a", "q=%0d%0aSet-Cookie:x", "https://example.com/a?q=%0d%0aSet-Cookie:x"),
        ("mailto:a@example.com", "x=1", "mailto:a@example.com"),
    ],
)
def test_a_query_is_handed_on_without_replacing_anything(
    server: Server, destination: str, query: str, expected: str
) -> None:
    code = make(server, original_url=destination, forward_query=True)
    with browser(server) as visitor:
        assert visitor.get(f"/{code}?{query}").headers["location"] == expected


def test_a_query_is_not_handed_on_unless_the_link_says_so(server: Server) -> None:
    code = make(server)
    with browser(server) as visitor:
        answer = visitor.get(f"/{code}?{urlencode({'url': 'https://evil.example', 'x': 1})}")
        assert answer.headers["location"] == "https://example.com/page"


def test_a_blocked_link_shows_that_it_is_blocked_and_never_its_fallback(server: Server) -> None:
    code = make(server, redirect_url="https://example.com/later")
    with server.begin() as ctx:
        ctx.session.connection().exec_driver_sql("UPDATE links SET blocked_at = 1")
        ctx.changed_codes.add(code)
    answer = server.visit(code)
    assert (answer.status_code, "location" in answer.headers, "unsafe" in answer.text) == (403, False, True)
