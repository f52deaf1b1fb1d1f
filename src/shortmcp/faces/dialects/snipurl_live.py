"""SnipURL (snipurl.live): links with their numbers, and pastes; `success`, `message` and `data`."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.links.models import LinkPublic
from shortmcp.core.pastes.models import MAX_CONTENT, PasteDetails, PastePublic
from shortmcp.faces.dialects.dialect import Asked, Call, Dialect, answer_json, zulu
from shortmcp.faces.texts import answer_text

PAGE_SIZE = 15
FIELDS: Mapping[str, str] = {
    "original_url": "original_url",
    "expiry_date": "expires_at",
    "password": "password",
    "description": "description",
}
PASTE_FIELDS = {name: name for name in ("title", "content", "language", "expiry_hours", "password", "is_private")}
PASTE_SHOWN = (
    "id",
    "paste_code",
    "paste_url",
    "title",
    "language",
    "content_length",
    "views",
    "expiry_date",
    "has_password",
    "is_private",
    "created_at",
)
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
    link = asked.create_link(asked.given({**FIELDS, "custom_code": "short_code", "domain": "domain"}))
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


def create_paste(asked: Asked) -> Response:
    """POST /pastes."""
    made = asked.perform("create_paste", asked.given(PASTE_FIELDS))
    return _done("Paste created successfully", _show_paste(made), 201)


def show_paste(asked: Asked) -> Response:
    """GET /pastes/{pasteCode}: without its text where it has a password."""
    return answer_json({"success": True, "data": _show_text(asked.perform("get_paste", _whole(asked)))})


def show_raw_paste(asked: Asked) -> Response:
    """GET /pastes/{pasteCode}/raw: the text alone."""
    return answer_text(asked.perform("get_paste", _whole(asked)).text())


def verify_password(asked: Asked) -> Response:
    """POST /pastes/{pasteCode}/verify-password: the paste with its text."""
    if not isinstance(asked.body.get("password"), str):
        raise invalid("password", "`password` is required: send the paste's password as text.")
    paste = asked.perform("get_paste", {**_whole(asked), "password": asked.body["password"]})
    return _done("Password verified successfully", _show_text(paste))


def _whole(asked: Asked) -> dict[str, Any]:
    return {"paste_code": asked.path["pasteCode"], "length": MAX_CONTENT}


def _show_paste(paste: PastePublic) -> dict[str, Any]:
    moments = {name: zulu(getattr(paste, name), "microseconds") for name in ("expiry_date", "created_at")}
    return {name: moments.get(name, getattr(paste, name)) for name in PASTE_SHOWN}


def _show_text(paste: PasteDetails) -> dict[str, Any]:
    return {**_show_paste(paste), "content": paste.content}


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
        Call("POST", "/links", "create_short_link", create_link, takes_strangers=True, makes="links"),
        Call("GET", "/links/{shortCode}", "get_short_link", show_link),
        Call("GET", "/links", "list_short_links", list_links),
        Call("PUT", "/links/{shortCode}", "update_short_link", update_link),
        Call("DELETE", "/links/{shortCode}", "delete_short_link", delete_link),
        Call("POST", "/pastes", "create_paste", create_paste, takes_strangers=True, makes="pastes"),
        Call("GET", "/pastes/{pasteCode}", "get_paste", show_paste, takes_strangers=True),
        Call("GET", "/pastes/{pasteCode}/raw", "get_paste", show_raw_paste, takes_strangers=True),
        Call("POST", "/pastes/{pasteCode}/verify-password", "get_paste", verify_password, takes_strangers=True),
    ),
    refuse=refuse,
    names={"custom_code": "short_code", "expiry_date": "expires_at"},
)
