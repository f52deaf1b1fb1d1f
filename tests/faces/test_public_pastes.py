"""Pastes as visitors get them: the page, the text alone, passwords, the time, and the count of views."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from calls import at_once, expire_paste, make_paste
from faces.test_public_powers import SLACK, browser
from factories import CHROME, Server

SECRET = "canary-in-a-paste"


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client of a workspace."""
    with server.client(server.open_workspace()) as client:
        yield client


def views(client: httpx2.Client, code: str) -> int:
    return client.get(f"/pastes/{code}").json()["data"]["views"]


def test_the_page_shows_the_text_and_may_be_found(server: Server, client: httpx2.Client) -> None:
    made = make_paste(client, content="def f():\n    return 1 < 2\n", language="python", title="A & B")
    page = httpx2.get(made["paste_url"], trust_env=False)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert ("x-robots-tag" in page.headers, "noindex" in page.text) == (False, False)
    assert page.headers["cache-control"] == "private, no-store"
    assert "<title>A &amp; B</title>" in page.text
    assert '<span class="word">def</span>' in page.text
    assert re.findall('id="(L[0-9]+)"><a href="(#L[0-9]+)"', page.text) == [("L1", "#L1"), ("L2", "#L2")]
    again = server.visit(f"paste/{made['paste_code'].upper()}/")
    assert again.text == page.text


@pytest.mark.parametrize("fields", [{"is_private": True}, {"password": "open sesame"}])
def test_what_is_not_for_everybody_is_not_for_search_engines(
    server: Server, client: httpx2.Client, fields: dict[str, str]
) -> None:
    code = make_paste(client, **fields)["paste_code"]
    with browser(server) as visitor:
        if "password" in fields:
            visitor.post(f"/paste/{code}", data=fields)
        page = visitor.get(f"/paste/{code}")
        assert ('id="L1"' in page.text, page.headers["x-robots-tag"]) == (True, "noindex")
        assert '<meta name="robots" content="noindex">' in page.text
        assert visitor.get(f"/paste/{code}/raw").headers["x-robots-tag"] == "noindex"


def test_the_text_alone_is_what_was_sent_byte_by_byte(server: Server, client: httpx2.Client) -> None:
    content = "<script>alert(1)</script>\r\n\x1b[31m\u202e\ufeffé\n\n"
    code = make_paste(client, content=content, language="html")["paste_code"]
    raw = server.visit(f"paste/{code}/raw")
    assert (raw.status_code, raw.content) == (200, content.encode())
    sent = {name: raw.headers[name] for name in raw.headers if name != "date"}
    assert sent == {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(content.encode())),
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
        "cache-control": "private, no-store",
    }


def test_a_password_holds_on_the_page_and_on_the_text_alone(server: Server, client: httpx2.Client) -> None:
    code = make_paste(client, content=SECRET, title="Secret plans", password="open sesame")["paste_code"]
    with browser(server) as visitor:
        asked = visitor.get(f"/paste/{code}")
        assert (asked.status_code, f'action="/paste/{code}"' in asked.text) == (200, True)
        raw = visitor.get(f"/paste/{code}/raw")
        assert (raw.status_code, raw.headers["content-type"]) == (403, "text/plain; charset=utf-8")
        wrong = visitor.post(f"/paste/{code}", data={"password": "wrong"})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
        bot = visitor.get(f"/paste/{code}", headers={"User-Agent": SLACK})
        for answer in (asked, raw, wrong, bot, visitor.head(f"/paste/{code}")):
            assert not re.search("canary|plans", answer.text)
        assert views(client, code) == 0

        entered = visitor.post(f"/paste/{code}", data={"password": "open sesame"})
        assert (entered.status_code, entered.headers["location"]) == (303, f"/paste/{code}")
        path = f"unlocked=[0-9a-f.]+; Path=/paste/{code}; Max-Age=43200; HttpOnly; SameSite=Lax"
        assert re.fullmatch(path, entered.headers["set-cookie"])
        assert SECRET in visitor.get(f"/paste/{code}").text
        assert visitor.get(f"/paste/{code}/raw").text == SECRET
        other = make_paste(client, content=SECRET, password="open sesame")["paste_code"]
        stolen = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
        assert SECRET not in visitor.get(f"/paste/{other}", headers=stolen).text
        assert visitor.get(f"/paste/{other}/raw", headers=stolen).status_code == 403


def test_ten_wrong_passwords_are_enough(server: Server, client: httpx2.Client) -> None:
    code = make_paste(client, content=SECRET, password="open sesame")["paste_code"]
    with browser(server) as guesser, browser(server, "192.0.2.2") as other:
        wrong = [guesser.post(f"/paste/{code}", data={"password": f"guess {number}"}) for number in range(10)]
        assert {answer.status_code for answer in wrong} == {403}
        limited = guesser.post(f"/paste/{code}", data={"password": "open sesame"})
        assert (limited.status_code, "set-cookie" in limited.headers) == (429, False)
        assert 0 < int(limited.headers["retry-after"]) <= 600
        assert other.post(f"/paste/{code}", data={"password": "open sesame"}).status_code == 303


def test_an_expired_paste_shows_nothing_more_with_a_password_or_without(server: Server, client: httpx2.Client) -> None:
    for password in (None, "open sesame"):
        code = make_paste(client, content=SECRET, password=password)["paste_code"]
        with browser(server) as visitor:
            if password is not None:
                assert visitor.post(f"/paste/{code}", data={"password": password}).status_code == 303
            assert visitor.get(f"/paste/{code}/raw").text == SECRET
            expire_paste(server, code)
            answers = [visitor.get(f"/paste/{code}"), visitor.get(f"/paste/{code}/raw")]
            answers.append(visitor.post(f"/paste/{code}", data={"password": "open sesame"}))
            assert [(answer.status_code, SECRET in answer.text) for answer in answers] == [(410, False)] * 3
            assert "This link has expired" in answers[0].text


def test_a_deleted_paste_is_gone_and_an_unknown_one_was_never_there(server: Server, client: httpx2.Client) -> None:
    code = make_paste(client)["paste_code"]
    assert client.delete(f"/pastes/{code}").status_code == 204
    for path in (f"paste/{code}", f"paste/{code}/raw"):
        assert (server.visit(path).status_code, "This link was deleted" in server.visit(path).text) == (410, True)
    for path in ("paste/neverwas", "paste/neverwas/raw", "paste/x", "paste", "paste/", "paste/neverwas/more"):
        assert (path, server.visit(path).status_code) == (path, 404)


@pytest.mark.parametrize("path", ["paste/%00", "paste/..%2f", "paste/K%E2%84%AAbcdefg", "paste/a/../b", "paste/'"])
def test_a_strange_address_is_an_unknown_one(server: Server, path: str) -> None:
    assert server.visit(path).status_code == 404


def test_views_are_counted_exactly_and_only_of_people(server: Server, client: httpx2.Client) -> None:
    code = make_paste(client)["paste_code"]
    answers = at_once(*[lambda: server.visit(f"paste/{code}")] * 20, *[lambda: server.visit(f"paste/{code}/raw")] * 5)
    assert {answer.status_code for answer in answers} == {200}
    assert views(client, code) == 25
    for agent in (SLACK, "curl/8.5.0", "Mozilla/5.0 (compatible; Googlebot/2.1)", ""):
        assert server.visit(f"paste/{code}", user_agent=agent).status_code == 200
    assert server.visit(f"paste/{code}", Sec_Purpose="prefetch").status_code == 200
    with browser(server) as visitor:
        assert (visitor.head(f"/paste/{code}").status_code, visitor.head(f"/paste/{code}").text) == (200, "")
        assert visitor.head(f"/paste/{code}/raw").headers["content-length"] == "27"
    client.get(f"/pastes/{code}/raw")
    assert views(client, code) == 25


def test_other_methods_are_refused(server: Server, client: httpx2.Client) -> None:
    public, locked = make_paste(client)["paste_code"], make_paste(client, password="x")["paste_code"]
    with browser(server) as visitor:
        allowed = {
            f"/paste/{public}": "GET, HEAD",
            f"/paste/{public}/raw": "GET, HEAD",
            f"/paste/{locked}/raw": "GET, HEAD",
        }
        for path, methods in allowed.items():
            answer = visitor.post(path, data={"password": "x"})
            assert (answer.status_code, answer.headers["allow"]) == (405, methods)
        answer = visitor.put(f"/paste/{locked}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_link_cannot_be_called_as_pastes_are(client: httpx2.Client) -> None:
    answer = client.post("/links", json={"original_url": "https://example.com", "title": "x", "short_code": "paste"})
    assert answer.status_code == 422


def test_a_mebibyte_is_shown_whole(server: Server, client: httpx2.Client) -> None:
    for content in ("<" * (1 << 20), "\n" * (1 << 20), "x\n" * (1 << 19)):
        code = make_paste(client, content=content, language="html")["paste_code"]
        page = server.visit(f"paste/{code}", user_agent=CHROME)
        assert (page.status_code, "<span class=" in page.text.split("<pre")[1]) == (200, content[0] == "<")
        assert server.visit(f"paste/{code}/raw").text == content
