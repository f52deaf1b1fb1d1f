"""The pages that visitors see: their status, their words, and headers that close them to everything from outside."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import escape
from importlib.resources import files

import pytest

from faces.pages.outline import read_html
from faces.pages.sites import (
    CLICKS_BY_DAY,
    CONFIRMED,
    FORM,
    GRAPH,
    LOCKED,
    OPEN,
    PAGES,
    REVEALED,
    SHORT_URL,
    STATISTICS,
)
from shortmcp.faces import pages
from shortmcp.faces.pages import OpenGraph, Page, TooManyTries, WrongPassword, subscriptions

ALL = {**PAGES, "masked": lambda: pages.masked_page("https://example.com/a?b=1&c=2", "A title", GRAPH)}
STATUSES = {
    "unknown": 404,
    "unknown-with-suggestions": 404,
    "expired": 410,
    "used-up": 410,
    "disabled": 410,
    "gone": 410,
    "blocked": 403,
    "away": 503,
    "password": 200,
    "password-wrong": 403,
    "password-too-many": 429,
    "secret": 200,
    "secret-with-passphrase": 200,
    "secret-wrong": 403,
    "secret-too-many": 429,
    "secret-encrypted": 200,
    "secret-opened": 200,
    "secret-opened-encrypted": 200,
    "secret-gone": 410,
    "preview": 200,
    "reports-ask": 200,
    "reports-confirmed": 200,
    "reports-leave": 200,
    "reports-decline": 200,
    "reports-stopped": 200,
    "reports-nothing": 404,
    "statistics": 200,
    "statistics-of-nothing": 200,
    "masked": 200,
    "paste": 200,
    "paste-plain": 200,
}
PASTES = ("paste", "paste-plain")
# A password's page leads elsewhere, to the destination.
FORMS = {"password": list[str](), "secret": ["form-action 'self'"], "reports": ["form-action 'self'"]}
HOSTILE = "\"'><script>alert(1)</script>{{ 7*7 }}&amp;"
STYLE = (files(pages) / "templates/page.css").read_text(encoding="utf-8")
SCRIPT = (files(pages) / "templates/copy.js").read_text(encoding="utf-8")


# The one page with a script: what it decrypts may not reach the server.
ENCRYPTED = "secret-encrypted"


def script_of(page: Page) -> str:
    return read_html(page).text_of("script")


def headers(page: Page) -> dict[str, str]:
    assert len({name for name, _ in page.headers}) == len(page.headers)
    return {name.decode(): value.decode() for name, value in page.headers}


@pytest.mark.parametrize("name", ALL)
def test_a_page_has_its_status_and_headers_that_close_it(name: str) -> None:
    page = ALL[name]()
    sent = headers(page)
    directives = sent.pop("content-security-policy").split("; ")
    retry_after = sent.pop("retry-after", None)
    style = read_html(page).text_of("style")
    assert page.status == STATUSES[name]
    # Search engines may show what anybody may read.
    assert sent.pop("x-robots-tag", None) == (None if name == "paste" else "noindex")
    robots = {"name": "robots", "content": "noindex"}
    assert (robots in [meta.attributes for meta in read_html(page).all("meta")]) is (name != "paste")
    assert sent == {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(page.body)),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
    }
    assert directives == [
        "default-src 'none'",
        "img-src data:",
        f"style-src {hash_of(style)}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        *(["frame-src http: https:"] if name == "masked" else []),
        *([f"script-src {hash_of(SCRIPT)}"] if name in PASTES else []),
        *FORMS.get(form_of(name), ["form-action 'none'"]),
        *([f"script-src {hash_of(script_of(page))}", "connect-src 'self'"] if name == ENCRYPTED else []),
    ]
    assert retry_after == {"away": "5", "password-too-many": "540", "secret-too-many": "540"}.get(name)


def form_of(name: str) -> str:
    return name.partition("-")[0] if "form" in [one.tag for one in read_html(ALL[name]()).elements] else ""


@pytest.mark.parametrize("name", ALL)
def test_a_page_is_well_formed_and_has_one_heading_in_its_main_part(name: str) -> None:
    html = read_html(ALL[name]())
    assert html.one("html").attributes == {"lang": "en"}
    assert html.text_of("h1")
    assert html.text_of("h1") in html.text_of("main")
    assert html.text_of("title").endswith(html.text_of("h1"))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [
        meta.attributes for meta in html.all("meta")
    ]


@pytest.mark.parametrize("name", ALL)
def test_a_page_takes_nothing_from_elsewhere_and_runs_nothing(name: str) -> None:
    html = read_html(ALL[name]())
    taken = [element.attributes.get("src") or "" for element in html.elements if element.tag != "iframe"]
    taken += [link.attributes["href"] for link in html.all("link")]
    assert {url.partition(",")[0] for url in taken} <= {"", "data:image/svg+xml;base64"}
    assert re.findall(r"url\(|@import", html.text_of("style")) == []
    assert [html.all(tag) for tag in ("object", "embed", "base")] == [[]] * 3
    # What scripts there are is admitted by its hash: to copy a text, and to decrypt one where no server may.
    scripts = [SCRIPT] if name in PASTES else [script_of(ALL[name]())] if name == ENCRYPTED else []
    assert [(script.text, script.attributes) for script in html.all("script")] == [(script, {}) for script in scripts]
    assert [key for element in html.elements for key in element.attributes if key.startswith(("on", "style"))] == []


def test_pages_without_data_are_made_once() -> None:
    assert pages.unknown_page() is pages.unknown_page()
    assert pages.unknown_page([SHORT_URL]) is not pages.unknown_page([SHORT_URL])
    assert pages.gone_page() is pages.gone_page()


def test_suggestions_are_links_shown_without_their_scheme() -> None:
    html = read_html(pages.unknown_page([SHORT_URL, "http://s.example/winter"]))
    found = [(link.attributes, link.text) for link in html.all("a")]
    assert found == [
        ({"href": SHORT_URL}, "s.example/summer"),
        ({"href": "http://s.example/winter"}, "s.example/winter"),
    ]


def test_the_password_s_label_field_and_problem_belong_together() -> None:
    html = read_html(pages.password_page("/protected", WrongPassword()))
    assert html.one("form").attributes == {"method": "post", "action": "/protected"}
    assert html.one("label").attributes == {"for": "password"}
    field = html.one("input").attributes
    assert {name: field[name] for name in ("id", "name", "type", "aria-invalid", "aria-describedby")} == {
        "id": "password",
        "name": "password",
        "type": "password",
        "aria-invalid": "true",
        "aria-describedby": "problem",
    }
    assert {"required", "autofocus"} <= field.keys()
    (problem,) = [element for element in html.all("p") if "role" in element.attributes]
    assert problem.attributes == {"class": "problem", "role": "alert", "id": "problem"}
    assert html.text_of("title").startswith("Problem: ")


def test_too_many_tries_are_no_fault_of_the_password_and_nobody_waits_for_longer_than_said() -> None:
    said = {seconds: pages.password_page("/p", TooManyTries(seconds)).body.decode() for seconds in (1, 59, 61, 540)}
    found = {seconds: re.findall(r"Try again in (.*?)\.<", html) for seconds, html in said.items()}
    assert found == {1: ["1 second"], 59: ["59 seconds"], 61: ["2 minutes"], 540: ["9 minutes"]}
    assert "aria-invalid" not in read_html(pages.password_page("/p", TooManyTries(1))).one("input").attributes


@pytest.mark.parametrize(
    "content",
    [HOSTILE, "\n first line feed", "\u202eturned\u2066", "a\rb\r\nc", "  blanks \n\t", "</pre>", "\x0b\x0c\x7f"],
)
def test_a_secret_s_content_is_shown_to_the_last_sign(content: str) -> None:
    page = pages.opened_secret_page(REVEALED.model_copy(update={"content": content}), OPEN)
    html = read_html(page)
    # The line feed after the tag is not the content's: browsers leave it out.
    assert html.text_of("pre") == "\n" + content
    # And they read a bare carriage return as a line feed.
    assert "\r" not in page.body.decode()
    assert html.all("script") == []


def test_a_secret_s_field_is_there_where_it_has_a_passphrase() -> None:
    assert read_html(pages.secret_page(FORM, OPEN)).all("input") == []
    html = read_html(pages.secret_page(FORM, LOCKED, WrongPassword()))
    assert html.one("form").attributes == {"method": "post", "action": FORM}
    field = html.one("input").attributes
    assert (field["name"], field["type"], field["aria-describedby"]) == ("passphrase", "password", "problem")
    assert html.text_of("title").startswith("Problem: ")


def test_preview_bots_find_both_vocabularies_and_no_destination() -> None:
    metas = [meta.attributes for meta in read_html(pages.preview_page(SHORT_URL, GRAPH)).all("meta")]
    assert {meta["property"]: meta["content"] for meta in metas if "property" in meta} == {
        "og:type": "website",
        "og:url": SHORT_URL,
        "og:title": GRAPH.title,
        "og:description": GRAPH.description,
        "og:image": GRAPH.image,
    }
    named = {meta["name"]: meta["content"] for meta in metas if "name" in meta}
    assert {name: content for name, content in named.items() if name.startswith("twitter:")} == {
        "twitter:card": "summary_large_image",
        "twitter:title": GRAPH.title,
        "twitter:description": GRAPH.description,
        "twitter:image": GRAPH.image,
    }
    assert named["description"] == GRAPH.description


def test_what_a_preview_does_not_have_is_left_out() -> None:
    html = pages.preview_page(SHORT_URL, OpenGraph("Alone")).body.decode()
    assert re.findall(r'"(?:og|twitter):(\w+)" content="([^"]*)"', html) == [
        ("type", "website"),
        ("url", SHORT_URL),
        ("card", "summary"),
        ("title", "Alone"),
        ("title", "Alone"),
    ]
    assert "None" not in html


def test_a_mask_s_frame_is_sandboxed_and_cannot_lead_the_window_elsewhere() -> None:
    html = read_html(pages.masked_page("https://example.com/a?b=1&c=2", "A title", GRAPH))
    assert html.one("iframe").attributes == {
        "src": "https://example.com/a?b=1&c=2",
        "title": "A title",
        "referrerpolicy": "no-referrer",
        "sandbox": "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox"
        " allow-downloads",
    }
    assert "og:image" in [meta.attributes.get("property") for meta in html.all("meta")]


@pytest.mark.parametrize(
    "page",
    [
        pages.unknown_page([HOSTILE]),
        pages.password_page(HOSTILE),
        pages.preview_page(HOSTILE, OpenGraph(HOSTILE, HOSTILE, HOSTILE)),
        pages.masked_page(HOSTILE, HOSTILE, OpenGraph(HOSTILE, HOSTILE, HOSTILE)),
    ],
    ids=["unknown", "password", "preview", "masked"],
)
def test_hostile_texts_stay_texts(page: Page) -> None:
    html = read_html(page)
    assert html.all("script") == []
    held = [value for element in html.elements for value in [element.text, *element.attributes.values()]]
    assert HOSTILE in held
    rest = page.body.decode().replace(escape(HOSTILE).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"), "")
    assert re.findall("alert", rest.replace(html.text_of("style"), "")) == []


def test_a_title_cannot_turn_the_direction_of_what_stands_around_it() -> None:
    turned = "a\u202etxt.exe\u202c \u2066b\u2069"
    page = pages.masked_page("https://example.com/", turned, OpenGraph(turned, turned))
    assert re.findall("[\u202a-\u202e\u2066-\u2069]", page.body.decode()) == []
    assert read_html(page).text_of("title") == "atxt.exe b"


def test_a_page_about_reports_offers_just_what_can_be_answered() -> None:
    buttons = {
        name: [(button.attributes["value"], button.text) for button in read_html(PAGES[name]()).all("button")]
        for name in STATUSES
        if name.startswith("reports")
    }
    everything = ("everything", "Stop all mail from this workspace")
    assert buttons == {
        "reports-ask": [("yes", "Yes, send me reports")],
        "reports-confirmed": [],
        "reports-leave": [("project", "Stop these reports"), everything],
        "reports-decline": [everything],
        "reports-stopped": [],
        "reports-nothing": [],
    }
    assert read_html(PAGES["reports-leave"]()).one("form").attributes == {"method": "post"}


def test_hostile_names_stay_text_on_the_pages_about_reports() -> None:
    hostile = CONFIRMED.model_copy(update={"workspace": HOSTILE, "project": HOSTILE})
    html = read_html(subscriptions.leave_page(hostile))
    assert html.all("script") == []
    assert HOSTILE in html.text_of("main")


def test_statistics_are_drawn_to_scale_and_told_in_a_table() -> None:
    html = read_html(pages.statistics_page(STATISTICS))
    days = [path.attributes["d"] for path in html.all("path") if path.attributes.get("class") == "days"]
    heights = [float(height) for height in re.findall(r"v-([0-9.]+)h", days[0])]
    # Of thirty days one has no bar; the highest fills the drawing; a single click can still be seen.
    assert (len(heights), max(heights), min(heights)) == (29, 100, 2)
    cells = [cell.text for cell in html.all("td")]
    assert cells == [f"{clicks:,}" for clicks in reversed(CLICKS_BY_DAY)]
    (drawing,) = [svg.attributes for svg in html.all("svg") if svg.attributes.get("role") == "img"]
    assert drawing["aria-label"].startswith("A bar for each day from 9 May 2026 to 7 June 2026;")


def test_a_ranking_ends_with_all_others_and_adds_up() -> None:
    rows = [re.split(r"\s(?=[0-9,]+$)", row.text) for row in read_html(pages.statistics_page(STATISTICS)).all("li")]
    assert rows[:6] == [
        ["Austria", "2,010"],
        ["Germany", "1,544"],
        ["Switzerland", "540"],
        ["Unknown", "401"],
        ["Bosnia & Herzegovina", "301"],
        ["Others", "395"],
    ]
    assert sum(int(number.replace(",", "")) for _, number in rows[:6]) == sum(CLICKS_BY_DAY)
    assert rows[6] == ["Direct or unknown", "3,000"]


def test_hostile_names_stay_text_on_the_statistics_page() -> None:
    hostile = replace(STATISTICS, title=HOSTILE + "\u202e", referrers=[(HOSTILE + "\u2066", 1)])
    page = pages.statistics_page(hostile)
    html = read_html(page)
    assert html.text_of("h1") == HOSTILE
    assert html.all("script") == []
    assert re.findall("[\u202a-\u202e\u2066-\u2069]", page.body.decode()) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_that_meet_can_be_told_apart(scheme: str) -> None:
    css = STYLE.split("@media")[scheme == "dark"]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css))
    texts = [("ink", "paper"), ("ink", "surface"), ("soft", "paper"), ("soft", "surface"), ("accent", "surface")]
    texts += [("on-accent", "accent"), ("on-accent", "accent-strong"), ("danger", "danger-tint")]
    texts += [("ink", "accent-tint"), ("soft", "accent-tint")]
    # Also of the line that somebody was sent to.
    code = ["soft", *(name for name in colours if name.startswith("code-"))]
    assert len(code) == 7
    texts += [(name, behind) for name in code for behind in ("surface", "accent-tint")]
    # WCAG 2.2, AA: 4.5 for text of any size, 3 for what shows where a control is.
    assert [pair for pair in texts if contrast(colours, *pair) < 4.5] == []
    controls = [("field", "surface"), ("field", "paper"), ("accent", "paper"), ("danger", "surface")]
    controls += [("accent", "accent-tint")]
    assert [pair for pair in controls if contrast(colours, *pair) < 3] == []


def hash_of(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def contrast(colours: dict[str, str], one: str, other: str) -> float:
    low, high = sorted((luminance(colours[one]), luminance(colours[other])))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
