"""Reports as a mail program shows them: a real browser, light and dark, wide and narrow, and without the head."""

import re
from contextlib import ExitStack
from typing import Literal, get_args

import pytest
from playwright.sync_api import Browser, expect

from browser import find_faults, is_wider_than_its_window, take_picture, watch
from desks import find_address
from factories import start_server
from journals import eventually
from mailboxes import open_mailbox
from samples import SAMPLES
from shortmcp.core.reports.rendering import write_invitation, write_report
from shortmcp.settings import Settings

Scheme = Literal["light", "dark"]
UNSUBSCRIBE = "https://sho.example/reports/unsubscribe/7.3.0123456789abcdef0123456789abcdef"
LETTERS = {
    **{name: write_report(report, "Garden", UNSUBSCRIBE) for name, report in SAMPLES.items()},
    "invitation": write_invitation("Garden", "summer-programme", UNSUBSCRIBE.replace("un", "", 1), UNSUBSCRIBE),
}


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_is_accessible_in_light_and_dark_and_fetches_nothing(browser: Browser, name: str) -> None:
    with browser.new_context(viewport={"width": 800, "height": 900}, reduced_motion="reduce") as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        said = watch(page)
        page.set_content(LETTERS[name].html)
        for scheme in get_args(Scheme):
            page.emulate_media(color_scheme=scheme)
            take_picture(page, f"report-{name}-{scheme}")
            assert find_faults(page) == [], scheme
        assert (asked, said) == ([], [])


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_fits_a_telephone_and_survives_without_its_style_sheet(browser: Browser, name: str) -> None:
    with browser.new_context(viewport={"width": 320, "height": 600}, java_script_enabled=False) as context:
        page = context.new_page()
        for html in (LETTERS[name].html, re.sub(r"(?s)<head>.*</head>", "", LETTERS[name].html)):
            page.set_content(html)
            assert not is_wider_than_its_window(page)
        take_picture(page, f"report-{name}-bare-narrow")
        bars = page.locator("td.bar").all()
        assert all((box := bar.bounding_box()) is not None and box["width"] >= 1 and box["height"] >= 2 for bar in bars)
        assert {bar.evaluate("bar => getComputedStyle(bar).backgroundColor") for bar in bars} <= {"rgb(11, 107, 93)"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_recipient_is_asked_by_mail_and_says_yes_and_no_with_a_real_browser(
    browser: Browser, settings: Settings
) -> None:
    with open_mailbox() as mailbox, ExitStack() as stack:
        server = start_server(settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{mailbox.port}"}), stack)
        with server.client(server.open_workspace("Garden")) as client:
            made = client.post("/projects", json={"name": "Summer", "weekly_report_recipients": "ann@example.com"})
            assert made.status_code == 201
        eventually(lambda: len(mailbox.mails) == 1)
        addresses = {way: find_address(mailbox.mails[0], way) for way in ("confirm", "unsubscribe")}
        assert addresses["confirm"].startswith(f"{server.url}/reports/confirm/")
        with browser.new_context(java_script_enabled=False) as context:
            page = context.new_page()
            said = watch(page)
            page.goto(addresses["confirm"])
            page.get_by_role("button", name="Yes, send me reports").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("You will get the reports")
            page.goto(addresses["unsubscribe"])
            page.get_by_role("button", name="Stop all mail from this workspace").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("You get no more of these reports")
            assert said == []
