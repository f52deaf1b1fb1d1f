"""The pages that visitors see: on their own, in light and dark, and closed to everything from outside."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from shortmcp.faces.pages import Page, away_page, gone_page, unknown_page

PAGES = {404: unknown_page(), 410: gone_page(), 503: away_page()}


@pytest.mark.parametrize("status", PAGES)
def test_a_page_says_in_words_and_in_its_status_what_is_the_matter(status: int) -> None:
    page, html = PAGES[status], PAGES[status].body.decode()
    assert (page.status, headers(page)["content-type"]) == (status, "text/html; charset=utf-8")
    assert int(headers(page)["content-length"]) == len(page.body)
    assert re.search(r"<html lang=\"en\">", html)
    assert len(re.findall(r"<h1>[^<]+</h1>\n<p>[^<]+</p>", html)) == 1
    assert '<meta name="viewport"' in html


@pytest.mark.parametrize("status", PAGES)
def test_a_page_follows_the_reader_s_light_or_dark_scheme(status: int) -> None:
    html = PAGES[status].body.decode()
    assert "color-scheme: light dark" in html
    assert "@media (prefers-color-scheme: dark)" in html


@pytest.mark.parametrize("status", PAGES)
def test_a_page_asks_nobody_for_anything_and_may_not(status: int) -> None:
    html, sent = PAGES[status].body.decode(), headers(PAGES[status])
    assert re.findall(r"(?i)\bhttps?:|\bsrc=|\bhref=|url\(|@import|<script|<form|<img|\bon\w+=", html) == []
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = b64encode(sha256(style[0].encode()).digest()).decode()
    assert sent["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert (sent["x-content-type-options"], sent["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize("colors", ["light", "dark"])
def test_a_page_s_text_can_be_read(colors: str) -> None:
    css = PAGES[404].body.decode().split("@media")[colors == "dark"]
    found = dict(re.findall(r"--(ink|soft|paper|accent): (#[0-9a-f]{6})", css))
    paper = luminance(found["paper"])
    for name in ("ink", "soft", "accent"):
        low, high = sorted((luminance(found[name]), paper))
        # WCAG 2.2, AA for text of any size.
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def headers(page: Page) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in page.headers}


def luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
