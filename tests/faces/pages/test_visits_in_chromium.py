"""What a real browser does with a form that leads away and with a destination that will not stay in its frame."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser import find_faults, take_picture, watch
from faces.pages.sites import FORM, GRAPH, PAGES, Request, Site, make_page, start_site
from shortmcp.faces.pages import masked_page, unknown_page

ESCAPES = {
    "top.location": "try { top.location = EVIL } catch {}",
    "top.location.replace": "try { top.location.replace(EVIL) } catch {}",
    "window.open": "try { window.open(EVIL, '_top') } catch {}",
    "a link": "document.body.append(Object.assign(document.createElement('a'), {href: EVIL, target: '_top'}));"
    "document.querySelector('a').click()",
    "a form": "document.body.append(Object.assign(document.createElement('form'), {action: EVIL, target: '_top'}));"
    "document.querySelector('form').submit()",
}


@pytest.fixture
def shortener() -> Iterator[Site]:
    """The server of the pages."""
    with start_site() as started:
        yield started


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """Another site: by another name, so that Chromium keeps the two apart."""
    with start_site("localhost") as started:
        yield started


def test_a_masked_page_shows_its_destination_and_tells_it_nothing(
    browser: Browser, shortener: Site, elsewhere: Site
) -> None:
    # A page that is sandboxed from its own origin says `null` here.
    script = "document.querySelector('h1').append(' of ', self.origin, ', from ', document.referrer || 'nowhere')"
    html = f"<!doctype html><html lang=en><title>Theirs</title><h1>A page</h1><script>{script}</script>"
    destination = elsewhere.add("/destination?a=1&b=2", make_page(html))
    url = shortener.add("/masked?secret=1", masked_page(destination, GRAPH.title, GRAPH))
    with browser.new_context(viewport={"width": 1024, "height": 768}) as context:
        page = context.new_page()
        said = watch(page)
        page.goto(url)
        shown = page.frame_locator("iframe").locator("h1")
        expect(shown).to_have_text(f"A page of {elsewhere.url}, from nowhere")
        take_picture(page, "masked-light")
        page.emulate_media(color_scheme="dark")
        take_picture(page, "masked-dark")
        assert (page.title(), said, find_faults(page)) == (GRAPH.title, [], [])
        box = page.locator("iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 1024, "height": 768}
    assert "referer" not in elsewhere.wait_for("/destination?a=1&b=2").headers


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_masked_destination_cannot_lead_the_window_elsewhere(
    browser: Browser, shortener: Site, elsewhere: Site, escape: str
) -> None:
    script = ESCAPES[escape].replace("EVIL", f"'{elsewhere.url}/evil'")
    body = f'<!doctype html><body><button onclick="{script}">Try</button>'
    destination = elsewhere.add("/destination", make_page(body))
    url = shortener.add("/escape", masked_page(destination, "Masked"))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        # By hand, for a browser allows more to a page that somebody has just clicked on.
        with page.expect_console_message() as refusal:
            page.frame_locator("iframe").locator("button").click()
        assert "navigation of the top-level window is sandboxed" in refusal.value.text
        assert (page.url, page.title()) == (url, "Masked")


def test_nobody_can_frame_a_page(browser: Browser, shortener: Site, elsewhere: Site) -> None:
    shortener.add("/unknown", unknown_page())
    framing = elsewhere.add("/framing", make_page(f"<!doctype html><iframe src='{shortener.url}/unknown'></iframe>"))
    with browser.new_context() as context:
        page = context.new_page()
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text) as refusal:
            page.goto(framing)
        assert refusal.value.type == "error"


def test_the_right_password_leads_to_another_site_without_a_word_about_where_from(
    browser: Browser, shortener: Site, elsewhere: Site
) -> None:
    destination = elsewhere.add(
        "/destination", make_page("<!doctype html><title>Arrived</title><link rel=icon href=data:,>")
    )
    shortener.add(FORM, PAGES["password"]())
    shortener.add(FORM, make_page("", 302, location=destination), "POST")
    with browser.new_context() as context:
        page = context.new_page()
        said = watch(page)
        page.goto(shortener.url + FORM)
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type("open sesame & more")
        page.keyboard.press("Enter")
        page.wait_for_url(destination)
        assert (page.title(), said) == ("Arrived", [])
    assert "referer" not in elsewhere.wait_for("/destination").headers
    assert sent_by_post(shortener).body == "password=open+sesame+%26+more"


def test_a_wrong_password_is_told_at_the_field_and_can_be_corrected(browser: Browser, shortener: Site) -> None:
    shortener.add(FORM, PAGES["password"]())
    shortener.add(FORM, PAGES["password-wrong"](), "POST")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(shortener.url + FORM)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert")).to_have_text("That password is not right. Check it and try again.")
        field = page.get_by_label("Password")
        expect(field).to_be_focused()
        expect(field).to_have_value("")
        expect(field).to_have_accessible_description("That password is not right. Check it and try again.")


def sent_by_post(site: Site) -> Request:
    """The first form that was sent."""
    while (request := site.requests.get(timeout=10)).method != "POST":
        pass
    return request
