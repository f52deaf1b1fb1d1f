"""Every page in a real browser: by axe-core's rules in light and dark, without scripts, in narrow windows."""

from collections.abc import Iterator
from typing import Literal, get_args

import pytest
from playwright.sync_api import Browser

from browser import find_faults, is_wider_than_its_window, take_picture, watch
from faces.pages.outline import read_html
from faces.pages.sites import PAGES, Site, start_site
from shortmcp.faces.pages import Page

Scheme = Literal["light", "dark"]
# The pages with most on them, and with all that can be pressed.
CROWDED = [
    "password-wrong", "secret-wrong", "secret-opened", "unknown-with-suggestions", "statistics", "paste",
    "reports-leave",
]  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A server of all pages; each stands at its name."""
    with start_site() as started:
        for name, make in PAGES.items():
            started.add(f"/{name}", make())
        yield started


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_in_light_and_dark_and_asks_nobody_for_anything(
    browser: Browser, site: Site, name: str
) -> None:
    with browser.new_context(viewport={"width": 1024, "height": 768}, reduced_motion="reduce") as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        said = watch(page)
        page.goto(f"{site.url}/{name}")
        for scheme in get_args(Scheme):
            page.emulate_media(color_scheme=scheme)
            take_picture(page, f"{name}-{scheme}")
            for summary in page.locator("summary").all():
                summary.click()
            assert find_faults(page) == [], scheme
        assert [url for url in asked if not url.startswith("data:")] == [f"{site.url}/{name}"]
        assert said == []


def test_pages_are_readable_in_a_narrow_window_and_without_scripts(browser: Browser, site: Site) -> None:
    # 320 pixels are also what a window of 1280 has left at a zoom of 400 %.
    with browser.new_context(viewport={"width": 320, "height": 480}, java_script_enabled=False) as context:
        page = context.new_page()
        for name, make in PAGES.items():
            page.goto(f"{site.url}/{name}")
            for summary in page.locator("summary").all():
                summary.click()
            assert page.locator("main").inner_text().split() == words_without_scripts(make())
            assert not is_wider_than_its_window(page), name
            if name in CROWDED:
                take_picture(page, f"{name}-narrow")


def words_without_scripts(page: Page) -> list[str]:
    """The words of a page, but for what a script has to bring out first."""
    html = read_html(page)
    words = html.text_of("main")
    for element in html.elements:
        words = words.replace(element.text, "", "hidden" in element.attributes)
    return words.split()


@pytest.mark.parametrize("name", CROWDED)
def test_whatever_can_be_pressed_is_44_pixels_high_and_shows_when_it_has_the_focus(
    browser: Browser, site: Site, name: str
) -> None:
    with browser.new_context(viewport={"width": 320, "height": 480}) as context:
        page = context.new_page()
        page.goto(f"{site.url}/{name}")
        # Numbers of lines are as high as their lines; whoever types reaches everything that they lead to.
        targets = page.locator("a:not([tabindex]), input, button, summary, pre[tabindex]").all()
        assert targets
        for target in targets:
            box = target.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            target.focus()
            assert target.evaluate("element => getComputedStyle(element).outline").endswith("solid 3px")


@pytest.mark.parametrize("name", CROWDED)
def test_nothing_is_cut_off_where_letters_are_twice_as_large(browser: Browser, site: Site, name: str) -> None:
    with browser.new_context(viewport={"width": 640, "height": 480}) as context:
        page = context.new_page()
        page.goto(f"{site.url}/{name}")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert not is_wider_than_its_window(page)
