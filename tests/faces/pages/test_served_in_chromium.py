"""A real browser follows short links of a real server, all the way."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser import watch
from calls import make_link
from faces.pages.sites import Site, make_page, start_site
from factories import Server

# What a browser sees does not depend on the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ARRIVED = "<!doctype html><html lang=en><title>Arrived</title><link rel=icon href=data:,><h1>Here</h1></html>"


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """Another site: by another name, so that Chromium keeps the two apart."""
    with start_site("localhost") as started:
        yield started


def test_whoever_knows_the_password_is_asked_once(browser: Browser, server: Server, elsewhere: Site) -> None:
    destination = elsewhere.add("/destination?x=1", make_page(ARRIVED))
    with server.client(server.open_workspace()) as client:
        link = make_link(client, original_url=destination, password="open sesame", max_clicks=2)
        with browser.new_context() as context:
            page = context.new_page()
            said = watch(page)
            page.goto(link["short_url"])
            page.get_by_label("Password").fill("wrong")
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).to_be_visible()
            page.get_by_label("Password").fill("open sesame")
            page.keyboard.press("Enter")
            page.wait_for_url(destination)
            page.goto(link["short_url"])
            assert (page.url, page.title()) == (destination, "Arrived")
            page.goto(link["short_url"])
            expect(page.get_by_role("heading", level=1)).to_have_text("This link has been used up")
            assert said == []


def test_a_masked_link_stays_in_the_address_bar(browser: Browser, server: Server, elsewhere: Site) -> None:
    destination = elsewhere.add("/destination", make_page(ARRIVED))
    with server.client(server.open_workspace()) as client:
        link = make_link(client, original_url=destination, mask=True, og_title="The summer programme")
    with browser.new_context() as context:
        page = context.new_page()
        said = watch(page)
        page.goto(link["short_url"])
        expect(page.frame_locator("iframe").locator("h1")).to_have_text("Here")
        assert (page.url, page.title(), said) == (link["short_url"], "The summer programme", [])
