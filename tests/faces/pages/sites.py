"""A server of pages on loopback, and every page with data that shows all its parts."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any, cast

from shortmcp.core.analytics.published import PublishedStatistics
from shortmcp.core.pastes.visits import VisitedPaste
from shortmcp.core.reports.subscriptions import SubscriptionPublic
from shortmcp.core.secrets.models import SecretFront, SecretRevealed
from shortmcp.faces import pages
from shortmcp.faces.pages import OpenGraph, Page, TooManyTries, WrongPassword, subscriptions

GRAPH = OpenGraph("The summer programme", "All concerts in July and August.", "https://pictures.example/summer.png")
SHORT_URL = "https://s.example/summer"
NOON = datetime(2026, 6, 7, 12, tzinfo=UTC)
# Two weeks of rising, a day off, a spike: whatever the drawing must show.
CLICKS_BY_DAY = [
    *(12, 40, 33, 60, 85, 20, 14, 70, 96, 81, 120, 160, 40, 0, 150, 190, 230, 1, 270, 90, 60),
    *(310, 1204, 480, 330, 300, 140, 110, 290, 205),
]
STATISTICS = PublishedStatistics(
    short_url=SHORT_URL,
    title=GRAPH.title,
    generated_at=NOON,
    clicks=sum(CLICKS_BY_DAY),
    visitors=3871,
    clicks_in_all=128_440,
    days=[(NOON.date() - timedelta(29 - number), clicks) for number, clicks in enumerate(CLICKS_BY_DAY)],
    countries=[
        *(("Austria", 2010), ("Germany", 1544), ("Switzerland", 540), (None, 401), ("Bosnia & Herzegovina", 301)),
        *(("Italy", 200), ("Poland", 125), ("France", 70)),
    ],
    referrers=[
        *((None, 3000), ("news.example.com", 1200), ("t.co", 700), (f"a-very-{'long-' * 8}name.example.org", 200)),
        ("[2001:db8::7]", 91),
    ],
    devices=[("Mobile", 4000), ("Desktop", 1400), ("Tablet", 91)],
    browsers=[("Chrome", 2900), ("Safari", 1900), ("Firefox", 600), ("Samsung Internet", 91)],
)
NO_STATISTICS = replace(
    STATISTICS,
    title=None,
    clicks=0,
    visitors=0,
    clicks_in_all=0,
    days=[(day, 0) for day, _ in STATISTICS.days],
    countries=[],
    referrers=[],
    devices=[],
    browsers=[],
)
SNIPPET = """#!/usr/bin/env python3
import re

@cached
class Launch(Exception):
    \"""What a page of ours must not lose: <b> & \u202eturned\u202c.\"""

    def at(self, hour: int = 0x1F) -> str:
        # Eighty characters and more have to find room in a narrow window, too, without being cut off.
        return f"{hour:02}:00\\n" if hour and not None else re.escape("\x1b")

<p>no python</p>
"""
PASTE = VisitedPaste(
    id=1,
    code="ab3de6gh",
    title="How we launch",
    language="python",
    content=SNIPPET,
    size=len(SNIPPET.encode()),
    is_private=False,
    subject="paste:1",
    password_hash=None,
    created_at=NOON,
    expires_at=NOON + timedelta(1),
)
PLAIN_PASTE = replace(
    PASTE, title=None, language="text", content="A line.\n" * 40, size=320, is_private=True, expires_at=None
)
FORM = "/protected"
OPEN = SecretFront(has_passphrase=False, client_encrypted=False)
LOCKED = SecretFront(has_passphrase=True, client_encrypted=False)
ENCRYPTED = SecretFront(has_passphrase=False, client_encrypted=True)
REVEALED = SecretRevealed(
    content="user: reporting\npassword: correct-horse-battery-staple\n\n" + "0123456789abcdef" * 8,
    slug="summer",
    remaining_uses=1,
)
ASKED = SubscriptionPublic(
    address="a…@example.com", workspace="Garden", project="summer-programme", confirmed=False, stopped=False
)
CONFIRMED = ASKED.model_copy(update={"confirmed": True})
PAGES: Mapping[str, Callable[[], Page]] = {
    "unknown": pages.unknown_page,
    "unknown-with-suggestions": lambda: pages.unknown_page([SHORT_URL, f"{SHORT_URL}-{'programme-' * 5}2026"]),
    "expired": pages.expired_page,
    "used-up": pages.used_up_page,
    "disabled": pages.disabled_page,
    "gone": pages.gone_page,
    "blocked": pages.blocked_page,
    "away": pages.away_page,
    "password": lambda: pages.password_page(FORM),
    "password-wrong": lambda: pages.password_page(FORM, WrongPassword()),
    "password-too-many": lambda: pages.password_page(FORM, TooManyTries(540)),
    "secret": lambda: pages.secret_page(FORM, OPEN),
    "secret-with-passphrase": lambda: pages.secret_page(FORM, LOCKED),
    "secret-wrong": lambda: pages.secret_page(FORM, LOCKED, WrongPassword()),
    "secret-too-many": lambda: pages.secret_page(FORM, LOCKED, TooManyTries(540)),
    "secret-encrypted": lambda: pages.secret_page(FORM, ENCRYPTED),
    "secret-opened": lambda: pages.opened_secret_page(REVEALED, OPEN),
    "secret-opened-encrypted": lambda: pages.opened_secret_page(REVEALED, ENCRYPTED),
    "secret-gone": pages.secret_gone_page,
    "preview": lambda: pages.preview_page(SHORT_URL, GRAPH),
    "reports-ask": lambda: subscriptions.ask_page(ASKED),
    "reports-confirmed": lambda: subscriptions.confirmed_page(CONFIRMED),
    "reports-leave": lambda: subscriptions.leave_page(CONFIRMED),
    "reports-decline": lambda: subscriptions.leave_page(ASKED),
    "reports-stopped": lambda: subscriptions.unsubscribed_page(CONFIRMED.model_copy(update={"stopped": True})),
    "reports-nothing": subscriptions.no_subscription_page,
    "statistics": lambda: pages.statistics_page(STATISTICS),
    "statistics-of-nothing": lambda: pages.statistics_page(NO_STATISTICS),
    "paste": lambda: pages.paste_page(PASTE),
    "paste-plain": lambda: pages.paste_page(PLAIN_PASTE),
}


@dataclass(frozen=True)
class Request:
    """What a browser asked for."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


class Site(ThreadingHTTPServer):
    """A server on a free port of loopback that answers from a table; whatever is not in it is an empty 404.

    `host` is how its URL names the machine: another name is another site to a browser.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://{host}:{self.server_port}"
        self.answers: dict[str, Page] = {}
        self.requests: SimpleQueue[Request] = SimpleQueue()

    def add(self, path: str, page: Page, method: str = "GET") -> str:
        """Answer `path` with a page from now on; returns its URL."""
        self.answers[f"{method} {path}"] = page
        return self.url + path

    def wait_for(self, path: str) -> Request:
        """The first request of `path`; those before it are forgotten."""
        while (request := self.requests.get(timeout=10)).path != path:
            pass
        return request


@contextmanager
def start_site(host: str = "127.0.0.1") -> Generator[Site]:
    """A site that runs in a thread."""
    with Site(host) as site:
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


def make_page(html: str, status: int = 200, **headers: str) -> Page:
    """Somebody else's page."""
    sent = {"content-type": "text/html; charset=utf-8", "content-length": str(len(html.encode())), **headers}
    return Page(status, [(name.encode(), value.encode()) for name, value in sent.items()], html.encode())


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        site = cast("Site", self.server)
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        site.requests.put(Request(self.command, self.path, headers, body))
        page = site.answers.get(f"{self.command} {self.path}", make_page("", 404))
        self.send_response(page.status)
        for name, value in page.headers:
            self.send_header(name.decode(), value.decode())
        self.end_headers()
        self.wfile.write(page.body)

    do_GET = do_POST = _answer  # noqa: N815  (names that the base class looks for)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class')
        """Nothing: what was asked is in `requests`."""
