"""A real browser opens secrets of a real server: plain ones without scripts, encrypted ones with the key in the URL."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import find_faults, take_picture, watch
from calls import make_secret
from factories import Access, Server

# What a browser sees does not depend on the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DOCS = Path(__file__).parents[3] / "docs" / "secrets.md"
CONTENT = "\n two  blanks\tand \u00e9\u202e turned </pre><script>alert(1)</script>"


@pytest.fixture
def owner(server: Server) -> Access:
    return server.open_workspace()


@pytest.fixture
def client(server: Server, owner: Access) -> Iterator[httpx2.Client]:
    with server.client(owner) as client:
        yield client


def make_encrypted(client: httpx2.Client, **fields: str) -> tuple[str, str]:
    """The slug of a secret that was encrypted as docs/secrets.md says, and what goes behind # in its URL."""
    (example,) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    made: dict[str, str] = {}
    exec(example.replace('"the text"', repr(CONTENT)), made)  # noqa: S102 - the example of our own page
    return make_secret(client, made["content"], client_encrypted=True, **fields), made["fragment"]


def remaining(client: httpx2.Client, slug: str) -> int:
    return client.get(f"/secrets/{slug}").json()["data"]["remaining_uses"]


def content_of(page: Page) -> str | None:
    return page.locator("pre").text_content()


def test_a_secret_is_opened_without_scripts(browser: Browser, server: Server, client: httpx2.Client) -> None:
    slug = make_secret(client, CONTENT + "\r\nlast", passphrase="open sesame")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        said = watch(page)
        page.goto(f"{server.url}/{slug}")
        page.get_by_label("Passphrase").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Passphrase").fill("open sesame")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The secret")
        assert content_of(page) == CONTENT + "\r\nlast"
        page.goto(f"{server.url}/{slug}")
        expect(page.get_by_role("heading", level=1)).to_have_text("This secret is gone")
        assert said == []


def test_an_encrypted_secret_is_decrypted_in_the_browser_and_its_key_stays_there(
    browser: Browser, server: Server, client: httpx2.Client
) -> None:
    slug, key = make_encrypted(client, passphrase="open sesame")
    with browser.new_context() as context:
        page = context.new_page()
        said, asked = watch(page), list[str]()
        page.on("request", lambda request: asked.append(f"{request.url} {request.post_data} {request.all_headers()}"))
        page.goto(f"{server.url}/{slug}#{key}")
        page.get_by_label("Passphrase").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Passphrase")).to_be_focused()
        assert remaining(client, slug) == 1
        page.get_by_label("Passphrase").fill("open sesame")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The secret")
        assert content_of(page) == CONTENT
        assert find_faults(page) == []
        # Chromium notes the status of the wrong passphrase's answer.
        assert [one for one in said if "403" not in one] == []
        sent = [request.replace(f"#{key}", "") for request in asked if "data:" not in request]
        assert len(sent) >= 3
        assert not any(key in request for request in sent)
        assert page.url == f"{server.url}/{slug}#{key}"
        take_picture(page, "secret-decrypted-light")


@pytest.mark.parametrize("fragment", ["", "#", "#AAAA", "#%%%"])
def test_without_its_key_nothing_is_opened(
    browser: Browser, server: Server, client: httpx2.Client, fragment: str
) -> None:
    slug, key = make_encrypted(client)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.url}/{slug}{fragment}")
        expect(page.get_by_role("alert")).to_contain_text("The address is incomplete")
        expect(page.get_by_role("button")).to_be_disabled()
        assert remaining(client, slug) == 1
        # The whole address, put into the same window, mends it.
        page.goto(f"{server.url}/{slug}#{key}")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The secret")
        assert content_of(page) == CONTENT


def test_with_another_key_the_browser_says_that_it_does_not_fit(
    browser: Browser, server: Server, client: httpx2.Client
) -> None:
    slug, _ = make_encrypted(client)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.url}/{slug}#{'A' * 43}")
        page.get_by_role("button").click()
        expect(page.get_by_text("The key in the address does not fit")).to_be_visible()
        assert CONTENT not in (content_of(page) or "")


def test_an_encrypted_secret_that_is_gone_says_so(browser: Browser, server: Server, client: httpx2.Client) -> None:
    slug, key = make_encrypted(client)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.url}/{slug}#{key}")
        client.post(f"/secrets/{slug}/reveal")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This secret is gone")
