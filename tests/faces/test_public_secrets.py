"""Secrets at their short URLs: whoever looks uses nothing up, whoever presses the button gets it."""

import re
from html import unescape

import httpx2
import pytest

from calls import make_secret
from factories import CHROME, TLS, Server

BOTS = [
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "WhatsApp/2.23.20.0",
    "Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks)",
    "facebookexternalhit/1.1",
    CHROME,
]
HOSTILE = "\n\r\n</pre><script>alert(1)</script>&amp; \u202eevil\u202c \u2066x"


def visitor(server: Server) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers={"User-Agent": CHROME}, timeout=30, trust_env=False, verify=TLS)


def make(server: Server, content: str = "canary-7531", **fields: object) -> str:
    with server.client(server.open_workspace()) as client:
        return make_secret(client, content, **fields)


def content_of(page: str) -> str:
    """What a browser makes of the page's text: it leaves out the first line feed and normalises the others first."""
    found = re.search(r"<pre [^>]*>\n(.*?)</pre>", page.replace("\r\n", "\n").replace("\r", "\n"), re.DOTALL)
    assert found, page
    return unescape(found[1])


def test_fifty_looks_of_bots_and_browsers_use_nothing_up_and_show_nothing(server: Server) -> None:
    slug = make(server)
    with visitor(server) as client:
        for number in range(50):
            agent = {"User-Agent": BOTS[number % len(BOTS)], "Sec-Purpose": "prefetch"}
            looked, asked = client.get(f"/{slug}", headers=agent), client.head(f"/{slug}", headers=agent)
            assert (looked.status_code, asked.status_code, asked.content) == (200, 200, b"")
            assert "canary" not in looked.text
            assert looked.headers["content-length"] == asked.headers["content-length"]
        opened = client.post(f"/{slug}")
    assert (opened.status_code, content_of(opened.text)) == (200, "canary-7531")


def test_the_button_opens_it_once_without_scripts(server: Server) -> None:
    slug = make(server, HOSTILE)
    with visitor(server) as client:
        page = client.get(f"/{slug}").text
        form = re.search(r'<form method="post" action="([^"]+)">', page)
        assert form
        assert "<input" not in page
        opened = client.post(form[1], data={})
        assert opened.status_code == 200
        assert content_of(opened.text) == HOSTILE
        assert "<script" not in opened.text
        assert {name: opened.headers[name] for name in ("cache-control", "referrer-policy", "x-robots-tag")} == {
            "cache-control": "private, no-store",
            "referrer-policy": "no-referrer",
            "x-robots-tag": "noindex",
        }
        for answer in (client.post(form[1]), client.get(form[1]), client.head(form[1])):
            assert answer.status_code == 410


def test_a_passphrase_is_asked_for_and_guessing_is_held_up(server: Server) -> None:
    slug = make(server, passphrase="open sesame")
    with visitor(server) as guesser, visitor(server) as other:
        other.headers["X-Forwarded-For"] = "198.51.100.7"
        assert 'name="passphrase"' in guesser.get(f"/{slug}").text
        wrong = [guesser.post(f"/{slug}", data={"passphrase": f"guess {number}"}) for number in range(10)]
        assert {answer.status_code for answer in wrong} == {403}
        limited = guesser.post(f"/{slug}", data={"passphrase": "open sesame"})
        assert (limited.status_code, 0 < int(limited.headers["retry-after"]) <= 600) == (429, True)
        assert not any("canary" in answer.text for answer in (*wrong, limited))
        opened = other.post(f"/{slug}", data={"passphrase": "open sesame"})
        assert (opened.status_code, content_of(opened.text)) == (200, "canary-7531")


@pytest.mark.parametrize("form", [b"", b"passphrase=", b"\xff\xfe=1", b"a=b&" * 1600, b"passphrase=" + b"x" * 300])
def test_a_broken_form_is_a_wrong_passphrase(server: Server, form: bytes) -> None:
    slug = make(server, passphrase="open sesame")
    with visitor(server) as client:
        assert client.post(f"/{slug}", content=form).status_code == 403
        assert client.post(f"/{slug}", data={"passphrase": "open sesame"}).status_code == 200


def test_it_says_how_often_it_can_be_opened_still(server: Server) -> None:
    slug = make(server, max_uses=5)
    said = ["4 times", "3 times", "2 times", "once", "destroyed now"]
    with visitor(server) as client:
        for words in said:
            assert words in client.post(f"/{slug}").text


def test_other_methods_are_refused(server: Server) -> None:
    slug = make(server)
    with visitor(server) as client:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = client.request(method, f"/{slug}")
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
        assert client.post(f"/{slug}").status_code == 200


def test_it_has_no_statistics_no_qr_code_and_no_page_on_other_paths(server: Server) -> None:
    slug = make(server)
    with visitor(server) as client:
        for path in (f"/{slug}/stats", f"/qr/{slug}", f"/{slug}/reveal", f"/paste/{slug}"):
            assert client.get(path).status_code == 404
            assert "canary" not in client.post(path).text
        assert client.post(f"/{slug.upper()}/").status_code == 200


def test_a_deleted_one_is_gone_and_looks_like_one_that_was_opened(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as owner, visitor(server) as client:
        opened, deleted = make_secret(owner), make_secret(owner)
        client.post(f"/{opened}")
        owner.delete(f"/secrets/{deleted}")
        pages = [client.get(f"/{slug}") for slug in (opened, deleted)]
        assert [page.status_code for page in pages] == [410, 410]
        assert pages[0].text == pages[1].text
