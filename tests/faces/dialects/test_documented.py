"""Every call that the services document, made once; the tables of results in docs/dialects are what was answered.

SHORTMCP_WRITE_TABLES=1 writes them anew.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from calls import dialect_client, make_link, make_paste, make_webhook
from factories import Server
from shortmcp.core.context import Scope
from shortmcp.faces.dialects import DIALECTS

PAGES = Path(__file__).parents[3] / "docs" / "dialects"
URL = "https://example.com/long"
# Headers that a service documents.
SHOWN_HEADERS = ("X-Total-Count", "Link")


@dataclass(frozen=True)
class Ask:
    """One documented call. `who` asks: the owner of a pro workspace, somebody of another one, or somebody unknown."""

    call: str
    case: str
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    who: str = "owner"

    def send(self, client: httpx2.Client, names: Mapping[str, str]) -> httpx2.Response:
        method, path = self.call.split(" ")
        path = re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "my-link"), path)
        return client.request(method, path, json=self.body or None)


ASKED: Mapping[str, list[Ask]] = {
    "slsh": [
        Ask("POST /links", "`url` alone", {"url": URL}),
        Ask(
            "POST /links",
            "every field",
            {
                "url": URL, "slug": "my-link", "password": "open sesame", "expires_at": "2099-01-01T00:00:00Z",
                "max_clicks": 5, "og_title": "Title", "og_description": "Text", "mask": True,
                "notify_on_mask_break": True,
            },
        ),
        Ask("POST /links", "slug that is taken", {"url": URL, "slug": "my-link"}),
        Ask("POST /links", "no `url`", {"slug": "other"}),
        Ask("POST /links", "masking on a plan without it", {"url": URL, "mask": True}, who="on basic"),
        Ask("GET /links", "first page"),
        Ask("GET /links", "no token", who="nobody"),
        Ask("GET /links/{slug}", "own"),
        Ask("GET /links/{slug}", "somebody else's", who="stranger"),
        Ask("GET /links/never-was", "unknown slug"),
        Ask("PATCH /links/{slug}", "another `url`, and a `slug`", {"url": f"{URL}er", "slug": "ignored"}),
        Ask("PATCH /links/{slug}", "bad `expires_at`", {"expires_at": "soon"}),
        Ask("PATCH /links/{slug}", "somebody else's", {"url": URL}, who="stranger"),
        Ask("GET /links/{slug}/clicks", "first page"),
        Ask("DELETE /links/{slug}", "somebody else's", who="stranger"),
        Ask("DELETE /links/{slug}", "own"),
        Ask("DELETE /links/{slug}", "again"),
        Ask("POST /webhooks", "`url` alone", {"url": "https://hooks.example.com/"}),
        Ask("POST /webhooks", "events", {"url": "https://hooks.example.com/", "event_types": ["link.created"]}),
        Ask("POST /webhooks", "no https", {"url": "http://hooks.example.com/"}),
        Ask("POST /webhooks", "unknown event", {"url": "https://hooks.example.com/", "event_types": ["link.lost"]}),
        Ask("GET /webhooks", "all"),
        Ask("GET /webhooks/{id}", "own"),
        Ask("GET /webhooks/{id}", "another organisation's", who="stranger"),
        Ask("DELETE /webhooks/{id}", "another organisation's", who="stranger"),
        Ask("DELETE /webhooks/{id}", "own"),
    ],
    "snipurl-click": [
        Ask("GET /links?page=1&per_page=20", "a page"),
        Ask("GET /links?search=github", "search"),
        Ask("GET /links?is_active=false", "only inactive links"),
        Ask("GET /links?per_page=100&search=docs", "large page with search"),
        Ask("GET /links?per_page=101", "bad parameter"),
        Ask("GET /links", "no key", who="nobody"),
    ],
    "snipurl-live": [
        Ask("POST /links", "`original_url` alone", {"original_url": URL}),
        Ask(
            "POST /links",
            "every field",
            {
                "original_url": URL, "custom_code": "my-link", "domain": "{base}", "description": "Mine",
                "expiry_date": "2099-12-31T23:59:59Z", "password": "secret123",
            },
        ),
        Ask("POST /links", "code that is taken", {"original_url": URL, "custom_code": "my-link"}),
        Ask("POST /links", "no token", {"original_url": URL}, who="nobody"),
        Ask("GET /links/{shortCode}", "own"),
        Ask("GET /links/{shortCode}", "somebody else's", who="stranger"),
        Ask("GET /links?per_page=15", "a page"),
        Ask("GET /links", "no token", who="nobody"),
        Ask("PUT /links/{shortCode}", "another destination", {"original_url": f"{URL}er"}),
        Ask("PUT /links/{shortCode}", "bad destination", {"original_url": "nonsense"}),
        Ask("DELETE /links/{shortCode}", "read-only token", who="reader"),
        Ask("DELETE /links/{shortCode}", "own"),
        Ask("DELETE /links/{shortCode}", "again"),
        Ask("POST /pastes", "`content` alone", {"content": "console.log('Hello World');"}),
        Ask("POST /pastes", "no `content`", {"title": "Nothing"}),
        Ask("GET /pastes/{pasteCode}", "with a password"),
        Ask("GET /pastes/{pasteCode}", "somebody else's", who="stranger"),
        Ask("GET /pastes/{pasteCode}/raw", "with a password"),
        Ask("POST /pastes/{pasteCode}/verify-password", "right one", {"password": "secret123"}),
        Ask("POST /pastes/{pasteCode}/verify-password", "wrong one", {"password": "wrong"}),
    ],
    "clipsend": [
        Ask("POST /links", "`content` alone", {"content": "Mi mensaje secreto"}),
        Ask("POST /links", "every field", {"content": "Mi mensaje secreto", "max_uses": 1, "slug": "mi-slug"}),
        Ask("POST /links", "slug that is taken", {"content": "x", "slug": "mi-slug"}),
        Ask("POST /links", "another number of uses", {"content": "x", "max_uses": 3}),
        Ask("GET /links", "all that is active"),
        Ask("GET /links?slug=mi-slug", "somebody else's", who="stranger"),
        Ask("GET /links?slug=mi-slug", "the last use"),
        Ask("GET /links?slug=mi-slug", "once more"),
        Ask("GET /links?slug=never-was", "unknown slug"),
        Ask("GET /usage", "this month"),
        Ask("GET /usage", "no key", who="nobody"),
        Ask("GET /usage", "free plan", who="on free"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", DIALECTS)
def test_the_page_says_what_is_answered(server: Server, name: str) -> None:
    table = make_table(server, name)
    page = PAGES / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    written = re.sub(
        r"(<!-- calls -->\n).*?(<!-- /calls -->)", lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL
    )
    if os.environ.get("SHORTMCP_WRITE_TABLES"):
        page.write_text(written, encoding="utf-8")
    assert text == written
    assert "<!-- calls -->" in text


def make_table(server: Server, name: str) -> str:
    """What the calls of a dialect are answered, as a table."""
    access = server.open_workspace(plan="pro")
    people = {
        "owner": access,
        "reader": server.add_token(access, Scope.READ),
        "stranger": server.open_workspace(plan="pro"),
        "on basic": server.open_workspace(plan="basic"),
        "on free": server.open_workspace(plan="free"),
        "nobody": None,
    }
    rows = list[str]()
    with server.client(access) as native:
        make_link(native, short_code="made-elsewhere", original_url="https://github.com/example/docs")
        native.post("/reserved-codes", json={"short_code": "mi-marca"})
        names = {"pasteCode": make_paste(native, password="secret123")["paste_code"], "id": str(make_webhook(native))}
    for ask in ASKED[name]:
        with dialect_client(server, name, people[ask.who]) as client:
            body = {key: server.url if value == "{base}" else value for key, value in ask.body.items()}
            answer = replace(ask, body=body).send(client, names)
        rows.append(f"| `{ask.call}` | {ask.case} | {answer.status_code} | {_shape_of(answer)} |")
    return "\n".join(["| call | case | status | answer |", "|---|---|---|---|", *rows])


def _shape_of(answer: httpx2.Response) -> str:
    headers = [f"`{name}`" for name in SHOWN_HEADERS if name in answer.headers]
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return "the text" if answer.content else "nothing"
    shape = _shape(answer.json())
    return f"{shape}; {', '.join(headers)}" if headers else shape


def _shape(content: Any) -> str:
    if isinstance(content, list):
        items = cast("list[Any]", content)
        return f"list of {_shape(items[0])}" if items else "list"
    fields = cast("dict[str, Any]", content)
    return ", ".join(f"`{key}`{_inside(value)}" for key, value in fields.items())


def _inside(value: Any) -> str:
    if isinstance(value, dict) and value:
        return f" ({_names(value)})"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f" (list of {_names(value[0])})"
    if isinstance(value, bool):
        return f" {value}".lower()
    return f" `{value}`" if isinstance(value, str) and re.fullmatch("[A-Z_]+|[a-z]+_[a-z]+", value) else ""


def _names(fields: Any) -> str:
    # A slug that was drawn is another one each time.
    return ", ".join("a slug" if re.fullmatch("[a-z0-9]{26}", key) else f"`{key}`" for key in fields)
