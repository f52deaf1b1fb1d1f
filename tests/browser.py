"""Chromium for tests: started where there is one, watched for everything that a page must not do."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

SCREENSHOTS = Path(os.environ.get("SHORTMCP_SCREENSHOTS", Path(__file__).parent.parent / "build" / "screenshots"))
# WCAG 2.2, levels A and AA, and what axe's makers advise beyond it.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def start_chromium() -> Generator[Browser]:
    """The system's own Chromium; where there is none the tests are skipped, in CI they fail."""
    path = which("chromium") or which("chromium-browser") or which("google-chrome")
    if path is None:
        missing = "There is no Chromium on this machine: THE PAGES ARE NOT TESTED (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        yield browser
        browser.close()


def watch(page: Page) -> list[str]:
    """What goes wrong from now on, as the console tells it: errors, CSP violations, failed requests. To be empty."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # Chromium notes the status of the page itself, too, where it is 400 or more.
        if not (message.location["url"] == page.url and "responded with a status of" in message.text):
            said.append(f"{message.type}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    return said


def find_faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page; frames inside are others' and are left out."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": RULES, "resultTypes": ["violations"], "iframes": False}
    found: list[dict[str, Any]] = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def take_picture(page: Page, name: str) -> None:
    """Keep a screenshot as a build artefact."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def is_wider_than_its_window(page: Page) -> bool:
    """Whether there is something to scroll to at the side."""
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
