"""SnipURL (snipurl.live): links with their numbers; `success`, `message` and `data`."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.links.models import LinkPublic
from shortmcp.faces.dialects.dialect import Asked, Call, Dialect, answer_json, title_of, zulu

PAGE_SIZE = 15
FIELDS: Mapping[str, str] = {
    "original_url": "original_url",
    "expiry_date": "expires_at",
    "password": "password",
    "description": "description",
}
STATUS: Mapping[Code, int] = {
    Code.MALFORMED: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.GONE: 410,
    Code.CONFLICT: 409,
    Code.PRECONDITION: 412,
    Code.TOO_LARGE: 413,
    Code.INVALID: 422,
    Code.PLAN_LIMIT: 422,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
}


def refuse(error: OperationError) -> Response:
    """The answer to a caller who was refused."""
    fields = {"errors": error.errors} if error.errors else {}
    return answer_json({"success": False, "message": error.sentence, **fields}, STATUS[error.code])


def create_link(asked: Asked) -> Response:
    """POST /links."""
    given = asked.body_as({**FIELDS, "custom_code": "short_code", "domain": "domain"})
    given = {name: value for name, value in given.items() if value is not None}
    home = {"project": asked.home_project(), "title": title_of(given.get("original_url"))}
    link = asked.perform("create_short_link", {**home, **given})
    shown = {name: value for name, value in _show(link).items() if name != "is_active"}
    return _done("Short link created successfully", shown, 201)


def show_link(asked: Asked) -> Response:
    """GET /links/{shortCode}: with the five numbers."""
    link = asked.perform("get_short_link", _named(asked))
    shown = {**_show(link), "analytics": link.analytics.model_dump()}
    return answer_json({"success": True, "data": {k: v for k, v in shown.items() if k != "qr_code_url"}})


def list_links(asked: Asked) -> Response:
    """GET /links."""
    page, size = asked.number("page", 1), asked.number("per_page", PAGE_SIZE)
    found = asked.perform("list_short_links", {"page": page, "per_page": size})
    meta = {"page": page, "per_page": size, "total": found.total, "total_pages": -(-found.total // size)}
    return answer_json({"success": True, "data": [_show(link) for link in found.data], "meta": meta})


def update_link(asked: Asked) -> Response:
    """PUT /links/{shortCode}: what is left out stays as it is."""
    changes = asked.body_as({**FIELDS, "custom_code": "new_short_code", "is_active": "is_active"})
    link = asked.perform("update_short_link", {**changes, **_named(asked)})
    return _done("Short link updated successfully", _show(link))


def delete_link(asked: Asked) -> Response:
    """DELETE /links/{shortCode}."""
    asked.perform("delete_short_link", _named(asked))
    return answer_json({"success": True, "message": "Short link deleted successfully"})


def _named(asked: Asked) -> dict[str, Any]:
    return {"short_code": asked.path["shortCode"]}


def _done(message: str, shown: Mapping[str, Any], status: int = 200) -> Response:
    return answer_json({"success": True, "message": message, "data": shown}, status)


def _show(link: LinkPublic) -> dict[str, Any]:
    origin = link.short_url.removesuffix(f"/{link.short_code}")
    return {
        "id": link.id,
        "original_url": link.original_url,
        "short_url": link.short_url,
        "short_code": link.short_code,
        "clicks": link.clicks_count,
        "expiry_date": zulu(link.expires_at, "microseconds"),
        "has_password": link.has_password,
        "description": link.description,
        "is_active": link.is_active,
        "created_at": zulu(link.created_at, "microseconds"),
        "qr_code_url": f"{origin}/qr/{link.short_code}",
    }


SNIPURL_LIVE = Dialect(
    name="snipurl-live",
    prefix="/compat/snipurl-live/api/v1",
    root="/api/v1",
    calls=(
        Call("POST", "/links", "create_short_link", create_link),
        Call("GET", "/links/{shortCode}", "get_short_link", show_link),
        Call("GET", "/links", "list_short_links", list_links),
        Call("PUT", "/links/{shortCode}", "update_short_link", update_link),
        Call("DELETE", "/links/{shortCode}", "delete_short_link", delete_link),
    ),
    refuse=refuse,
    names={"custom_code": "short_code", "expiry_date": "expires_at"},
)
