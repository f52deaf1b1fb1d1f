"""slsh.me: links, their clicks and webhooks; plain objects, pages in headers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.lists import Page
from shortmcp.core.webhooks.models import WebhookPublic
from shortmcp.faces.dialects.dialect import Asked, Call, Dialect, answer_json

PAGE_SIZE = 100
# Their name of a link's field to ours, in requests and in answers.
FIELDS: Mapping[str, str] = {
    "url": "original_url",
    "password": "password",
    "expires_at": "expires_at",
    "max_clicks": "max_clicks",
    "og_title": "og_title",
    "og_description": "og_description",
    "mask": "mask",
    "notify_on_mask_break": "notify_on_mask_break",
}
WEBHOOK_FIELDS = {"url": "url", "event_types": "event_types"}
SHOWN = {
    "slug": "short_code",
    "short_url": "short_url",
    **{name: field for name, field in FIELDS.items() if name != "password"},
    "has_password": "has_password",
    "clicks_count": "clicks_count",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
ERRORS: Mapping[Code, tuple[int, str]] = {
    Code.MALFORMED: (400, "malformed"),
    Code.UNAUTHENTICATED: (401, "invalid_token"),
    Code.FORBIDDEN: (403, "forbidden"),
    Code.NOT_FOUND: (404, "not_found"),
    Code.GONE: (410, "gone"),
    Code.CONFLICT: (409, "conflict"),
    Code.PRECONDITION: (412, "precondition_failed"),
    Code.TOO_LARGE: (413, "too_large"),
    Code.INVALID: (422, "invalid_params"),
    Code.PLAN_LIMIT: (422, "plan_limit"),
    Code.RATE_LIMITED: (429, "rate_limited"),
    Code.UNAVAILABLE: (503, "unavailable"),
}


def refuse(error: OperationError) -> Response:
    """The answer to a caller who was refused."""
    status, word = ERRORS[error.code]
    if error.code is Code.UNAUTHENTICATED:
        # Clients compare the whole of it.
        return answer_json({"error": word}, status, {"WWW-Authenticate": "Bearer"})
    fields = {"errors": error.errors} if error.errors else {}
    return answer_json({"error": word, "message": error.sentence, **fields}, status)


def list_links(asked: Asked) -> Response:
    """GET /links: those of the instance's own domain."""
    page = asked.number("page", 1)
    found = asked.perform("list_short_links", {"page": page, "domain": asked.own_host, "per_page": PAGE_SIZE})
    return _numbered(asked, "/links", page, found, [_show(link) for link in found.data])


def create_link(asked: Asked) -> Response:
    """POST /links."""
    return answer_json(_show(asked.create_link(asked.given({**FIELDS, "slug": "short_code"}))), 201)


def show_link(asked: Asked) -> Response:
    """GET /links/{slug}."""
    return answer_json(_show(asked.perform("get_short_link", _named(asked))))


def update_link(asked: Asked) -> Response:
    """PATCH /links/{slug}: the slug stays whatever the body says."""
    return answer_json(_show(asked.perform("update_short_link", {**asked.body_as(FIELDS), **_named(asked)})))


def delete_link(asked: Asked) -> Response:
    """DELETE /links/{slug}."""
    asked.perform("delete_short_link", _named(asked))
    return Response(status_code=204)


def list_clicks(asked: Asked) -> Response:
    """GET /links/{slug}/clicks."""
    page = asked.number("page", 1)
    found = asked.perform("list_clicks", {**_named(asked), "page": page, "per_page": PAGE_SIZE})
    clicks = [click.model_dump(mode="json") for click in found.data]
    return _numbered(asked, f"/links/{quote(asked.path['slug'], safe='')}/clicks", page, found, clicks)


def list_webhooks(asked: Asked) -> Response:
    """GET /webhooks: all of them, newest first."""
    return answer_json([_show_webhook(webhook) for webhook in asked.all_of("list_webhooks")])


def create_webhook(asked: Asked) -> Response:
    """POST /webhooks: with its secret, this once."""
    made = asked.perform("create_webhook", asked.given(WEBHOOK_FIELDS))
    return answer_json({**_show_webhook(made), "secret": made.secret}, 201)


def show_webhook(asked: Asked) -> Response:
    """GET /webhooks/{id}."""
    return answer_json(_show_webhook(asked.perform("get_webhook", {"webhook": asked.path["id"]})))


def delete_webhook(asked: Asked) -> Response:
    """DELETE /webhooks/{id}."""
    asked.perform("delete_webhook", {"webhook": asked.path["id"]})
    return Response(status_code=204)


def _show_webhook(webhook: WebhookPublic) -> dict[str, Any]:
    shown = webhook.model_dump(mode="json")
    return {name: shown[name] for name in ("id", "url", "event_types", "is_active", "created_at")}


def _named(asked: Asked) -> dict[str, Any]:
    return {"short_code": asked.path["slug"], "domain": asked.own_host}


def _show(link: Any) -> dict[str, Any]:
    shown = link.model_dump(mode="json")
    return {name: shown[field] for name, field in SHOWN.items()}


def _numbered(asked: Asked, path: str, page: int, found: Page[Any], shown: list[Any]) -> Response:
    last = max(1, -(-found.total // PAGE_SIZE))
    near = {"next": page + 1, "prev": min(page - 1, last), "first": 1, "last": last}
    links = [f'<{asked.root}{path}?page={there}>; rel="{name}"' for name, there in near.items() if 1 <= there <= last]
    return answer_json(shown, headers={"X-Total-Count": str(found.total), "Link": ", ".join(links)})


SLSH = Dialect(
    name="slsh",
    prefix="/compat/slsh/v1",
    root="/v1",
    calls=(
        Call("GET", "/links", "list_short_links", list_links),
        Call("POST", "/links", "create_short_link", create_link),
        Call("GET", "/links/{slug}", "get_short_link", show_link),
        Call("PATCH", "/links/{slug}", "update_short_link", update_link),
        Call("DELETE", "/links/{slug}", "delete_short_link", delete_link),
        Call("GET", "/links/{slug}/clicks", "list_clicks", list_clicks),
        Call("GET", "/webhooks", "list_webhooks", list_webhooks),
        Call("POST", "/webhooks", "create_webhook", create_webhook),
        Call("GET", "/webhooks/{id}", "get_webhook", show_webhook),
        Call("DELETE", "/webhooks/{id}", "delete_webhook", delete_webhook),
    ),
    refuse=refuse,
    names={"url": "original_url", "slug": "short_code"},
)
