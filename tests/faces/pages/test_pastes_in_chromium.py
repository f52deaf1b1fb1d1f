"""Hostile pastes in a real browser: whatever is written in one, nothing of it runs, loads or turns the page around."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import find_faults, take_picture, watch
from calls import make_paste
from faces.pages.sites import Site, start_site
from factories import Server

# What a browser sees does not depend on the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# EVIL is another site; whatever runs asks it for something, or leaves a mark at the window.
RUN = "window.ran=1;fetch('EVIL/ran')"
CORPUS = {
    "script": f"<script>{RUN}</script><script src=EVIL/script.js></script>",
    "closing": f"</code></pre></script></style></title></textarea><script>{RUN}</script>",
    "image": f'<img src=x onerror="{RUN}"><img src=EVIL/image.png><video src=EVIL/v.mp4 onerror={RUN}></video>',
    "svg": f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"><script>{RUN}</script>"
    f"<a xlink:href='javascript:{RUN}'><text>x</text></a><image href='EVIL/image.svg'/></svg>",
    "svg-document": f"<?xml version='1.0'?><!DOCTYPE svg><svg xmlns='http://www.w3.org/2000/svg'>"
    f"<script>{RUN}</script></svg>",
    "html-document": f"<!doctype html><html><head><base href=EVIL/><meta http-equiv=refresh content='0;url=EVIL/'>"
    f"<link rel=stylesheet href=EVIL/style.css></head><body onload=\"{RUN}\"><iframe srcdoc='<script>{RUN}</script>'>",
    "frames": f'<iframe src="javascript:{RUN}"></iframe><object data=EVIL/o></object><embed src=EVIL/e>',
    "form": f'<form action=EVIL/form id=f><button autofocus onfocus="{RUN}">x</button></form><input form=f>',
    "polyglot": f"jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk={RUN} )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/"
    f"</scRipt/--!>\\x3csVg/<sVg/oNloAd={RUN}//>\\x3e",
    "gif": f"GIF89a/*{'x' * 600}*/=1;{RUN}",
    "pdf": f"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS({RUN})>>>>\n",
    "utf-7": "+ADw-script+AD4-window.ran=1+ADw-/script+AD4-",
    "utf-16": "\u3c00\u7300\u6300\u7200\u6900\u7000\u7400\u3e00",
    "mark": f"\ufeff<html><script>{RUN}</script>",
    "mathml": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={RUN}&gt;">',
    "entities": f"&lt;script&gt;{RUN}&lt;/script&gt;&#60;script&#62;{RUN}&#60;/script&#62;",
    "template": "{{ 7*7 }}{% raw %}{{ config }}${7*7}#{7*7}<%= 7*7 %>",
    "attributes": f"\" autofocus onfocus=\"{RUN}\" x=\"' onmouseover='{RUN}'`",
    "controls": f"<\x01script>\x0c<scr\x7fipt\x85>{RUN}\x1b]8;;EVIL/\x07",
    "turned": "\u202e<script>\u2066 if admin \u2069\u2066\u202c\u200f\u061cabc",
    "tags": "\U000e0041\U000e007f\u200b\u2060<\u200bscript>",
    "style": "<style>@import 'EVIL/style.css';*{background:url(EVIL/b.png)}</style>@import 'EVIL/x.css';",
}  # fmt: skip
LANGUAGES = ("text", "html", "markdown", "javascript", "php", "xml", "css")


@pytest.fixture
def evil() -> Iterator[Site]:
    """Another site, by another name, that nothing may ask for anything."""
    with start_site("localhost") as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client of a workspace."""
    with server.client(server.open_workspace()) as client:
        yield client


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_in_a_paste_runs_loads_or_leads_away(
    browser: Browser, server: Server, client: httpx2.Client, evil: Site, language: str
) -> None:
    with browser.new_context(permissions=[]) as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: asked.append(f"a dialog: {dialog.message}"))
        said = watch(page)
        for name, hostile in CORPUS.items():
            content = hostile.replace("EVIL", evil.url)
            # A title is one line of text that can be seen.
            title = "".join(letter for letter in content if letter.isprintable())[:255]
            made = make_paste(client, content=content, language=language, title=title)
            for url in (made["paste_url"], f"{made['paste_url']}/raw"):
                del asked[:]
                opened = page.goto(url)
                assert opened is not None
                seen = (name, opened.status, page.url, page.evaluate("'ran' in window"), said)
                assert seen == (name, 200, url, False, [])
                assert [one for one in asked if not one.startswith("data:")] == [url]
            assert page.evaluate("document.contentType") == "text/plain"
        assert evil.requests.empty()


def test_the_text_on_the_page_is_the_text(browser: Browser, client: httpx2.Client) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        for name, content in CORPUS.items():
            for language in ("text", "html"):
                page.goto(make_paste(client, content=content, language=language)["paste_url"])
                shown = page.evaluate("document.getElementById('text').textContent.slice(0, -1)")
                assert (name, shown) == (name, content.removesuffix("\n"))
                assert page.locator("script").count() == 1


def test_direction_marks_turn_nothing_around(browser: Browser, client: httpx2.Client) -> None:
    # As it is read by a compiler, from left to right, whatever it pretends to be.
    content = "admin = False \u202e\u2066# only if\u2069 \u2066return"
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(make_paste(client, content=content, title="a\u202etxt.exe")["paste_url"])
        boxes: list[float] = page.evaluate(LEFT_OF_WORDS, ["admin", "False", "only", "return"])
        assert boxes == sorted(boxes)
        expect(page.get_by_role("heading", level=1)).to_have_text("atxt.exe")


LEFT_OF_WORDS = """words => words.map(word => {
    const texts = document.createTreeWalker(document.getElementById('text'), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const at = texts.currentNode.data.indexOf(word);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(texts.currentNode, at);
        range.setEnd(texts.currentNode, at + word.length);
        return range.getBoundingClientRect().left;
    }
    return -1;
})"""


def test_a_paste_is_copied_as_it_is_and_a_line_can_be_linked(
    browser: Browser, server: Server, client: httpx2.Client
) -> None:
    content = "def f():\n\n\treturn '<b>'  \n" + "\n".join(f"x{number} = {number}" for number in range(200))
    made = make_paste(client, content=content, language="python")
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        said = watch(page)
        page.goto(made["paste_url"])
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("status")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == content
        page.evaluate("getSelection().selectAllChildren(document.getElementById('text'))")
        assert page.evaluate("getSelection().toString()").rstrip("\n") == content

        page.locator("#L150 > a").click()
        assert page.url == f"{made['paste_url']}#L150"
        page.goto("about:blank")
        page.goto(f"{made['paste_url']}#L150")
        expect(page.locator("#L150")).to_be_in_viewport()
        expect(page.locator("#L150")).to_have_css("background-color", "rgb(226, 240, 236)")
        take_picture(page, "paste-line")
        assert (find_faults(page), said) == ([], [])


def test_a_paste_can_be_downloaded_and_read_alone(browser: Browser, server: Server, client: httpx2.Client) -> None:
    content = "<b>caf\u00e9</b>\r\n"
    made = make_paste(client, content=content, language="html", password="open sesame")
    with browser.new_context(accept_downloads=True) as context:
        page = context.new_page()
        said = watch(page)
        unlock(page, made["paste_url"])
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == f"{made['paste_code']}.txt"
        assert download.value.path().read_bytes() == content.encode()
        page.get_by_role("link", name="Plain text").click()
        expect(page.locator("pre")).to_have_text("<b>caf\u00e9</b>\n")
        assert (page.url, said) == (f"{made['paste_url']}/raw", [])


def unlock(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill("open sesame")
    page.keyboard.press("Enter")
    expect(page.locator("#L1")).to_be_visible()
    # Looked at again, nothing is sent again.
    page.reload()
    expect(page.locator("#L1")).to_be_visible()
