"""The pages by which recipients of reports say yes or no. Looking changes nothing: scanners follow links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.reports.links import Purpose, ReportLinks, Subscription
from shortmcp.core.reports.subscriptions import SubscriptionPublic
from shortmcp.faces.bodies import read_body
from shortmcp.faces.pages import Page, away_page
from shortmcp.faces.pages.subscriptions import (
    ask_page,
    confirmed_page,
    leave_page,
    no_subscription_page,
    unsubscribed_page,
)

MAX_FORM = 4096
FORM_SECONDS = 20.0
# The field and the value of RFC 8058, which mail programs send by themselves.
ONE_CLICK = ("List-Unsubscribe", "One-Click")
Performs = Callable[[Mapping[str, Any]], SubscriptionPublic]


@dataclass(frozen=True)
class ReportFace:
    """The pages; `show`, `confirm` and `unsubscribe` perform these operations and block."""

    links: ReportLinks
    show: Performs
    confirm: Performs
    unsubscribe: Performs

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/reports/confirm/{token}", self._confirm, methods=["GET", "POST"]),
            Route("/reports/unsubscribe/{token}", self._unsubscribe, methods=["GET", "POST"]),
        ]

    async def _confirm(self, request: Request) -> Response:
        subscription = self.links.read(Purpose.CONFIRM, request.path_params["token"])
        if request.method != "POST":
            return await _answer(subscription, self.show, {}, ask_page)
        return await _answer(subscription, self.confirm, {}, confirmed_page)

    async def _unsubscribe(self, request: Request) -> Response:
        subscription = self.links.read(Purpose.UNSUBSCRIBE, request.path_params["token"])
        fields = await _read_form(request) if request.method == "POST" else {}
        if fields.get("stop") == "everything":
            return await _answer(subscription, self.unsubscribe, {"everything": True}, unsubscribed_page)
        if fields.get("stop") == "project" or fields.get(ONE_CLICK[0]) == ONE_CLICK[1]:
            return await _answer(subscription, self.unsubscribe, {}, unsubscribed_page)
        return await _answer(subscription, self.show, {}, leave_page)


async def _answer(
    subscription: Subscription | None,
    perform: Performs,
    more: Mapping[str, Any],
    page: Callable[[SubscriptionPublic], Page],
) -> Response:
    if subscription is None:
        return _send(no_subscription_page())
    asked = {"contact": subscription.contact_id, "project": subscription.project_id, **more}
    try:
        return _send(page(await to_thread.run_sync(perform, asked)))
    except OperationError as error:
        if error.code is Code.NOT_FOUND:
            return _send(no_subscription_page())
        # Another answer of the same person, or the database away: the same button works in a moment.
        return _send(away_page())


def _send(page: Page) -> Response:
    headers = {name.decode(): value.decode() for name, value in page.headers}
    return HTMLResponse(page.body, page.status, {**headers, "cache-control": "private, no-store"})


async def _read_form(request: Request) -> dict[str, str]:
    try:
        body = await read_body(request, MAX_FORM, FORM_SECONDS)
    except OperationError:
        return {}
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        return _read_parts(kind, body)
    try:
        return dict(parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=10))
    except ValueError:
        return {}


def _read_parts(kind: str, body: bytes) -> dict[str, str]:
    # Mail programs may send their one field as either; it is read as what it is, a message in parts.
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body)
    parts: list[Message] = message.get_payload() if message.is_multipart() else []  # pyright: ignore[reportAssignmentType]
    return {
        str(part.get_param("name", header="content-disposition")): str(part.get_payload()).strip() for part in parts
    }
