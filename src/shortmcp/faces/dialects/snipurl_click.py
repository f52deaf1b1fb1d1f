"""snipurl.click: the list of links with its pages, search and filter."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from starlette.responses import Response

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.links.models import LinkPublic
from shortmcp.faces.dialects.dialect import Asked, Call, Dialect, answer_json, zulu

# Their ids are UUIDs: ours are made into some, always the same ones.
IDS = UUID("5d1f7c3e-52a4-4b0e-9f0a-9f0f6f0c1c55")
PAGE_SIZE = 20
FILTERS = {"search": "search", "is_active": "is_active"}
ERRORS: Mapping[Code, tuple[int, str]] = {
    Code.MALFORMED: (400, "VALIDATION_ERROR"),
    Code.INVALID: (400, "VALIDATION_ERROR"),
    Code.UNAUTHENTICATED: (401, "UNAUTHORIZED"),
    Code.FORBIDDEN: (403, "FORBIDDEN"),
    Code.NOT_FOUND: (404, "NOT_FOUND"),
    Code.GONE: (410, "GONE"),
    Code.CONFLICT: (409, "CONFLICT"),
    Code.PRECONDITION: (412, "PRECONDITION_FAILED"),
    Code.TOO_LARGE: (413, "TOO_LARGE"),
    Code.PLAN_LIMIT: (422, "PLAN_LIMIT"),
    Code.RATE_LIMITED: (429, "RATE_LIMITED"),
    Code.UNAVAILABLE: (503, "UNAVAILABLE"),
}


def refuse(error: OperationError) -> Response:
    """The answer to a caller who was refused."""
    status, word = ERRORS[error.code]
    details = {"details": error.errors} if error.errors else {}
    return answer_json({"success": False, "error": {"code": word, "message": error.sentence, **details}}, status)


def list_links(asked: Asked) -> Response:
    """GET /links: page 1 of 20 by default."""
    page, size = asked.number("page", 1), asked.number("per_page", PAGE_SIZE)
    # A search field that was left empty asks for nothing.
    filters = {name: value for name, value in asked.query_as(FILTERS).items() if value}
    found = asked.perform("list_short_links", {"page": page, "per_page": size, **filters})
    meta: dict[str, Any] = {"page": page, "per_page": size, "total": found.total}
    meta["total_pages"] = -(-found.total // size)
    if not found.total_is_exact:
        meta["total_is_exact"] = False
    return answer_json({"success": True, "data": [_show(link) for link in found.data], "meta": meta})


def _show(link: LinkPublic) -> dict[str, Any]:
    return {
        "id": str(uuid5(IDS, f"link {link.id}")),
        "short_code": link.short_code,
        "short_url": link.short_url,
        "original_url": link.original_url,
        "title": link.title,
        "is_active": link.is_active,
        "has_password": link.has_password,
        "expires_at": zulu(link.expires_at, "milliseconds"),
        "clicks_count": link.clicks_count,
        "analytics_public": link.analytics_public,
        "created_at": zulu(link.created_at, "milliseconds"),
        "updated_at": zulu(link.updated_at, "milliseconds"),
    }


SNIPURL_CLICK = Dialect(
    name="snipurl-click",
    prefix="/compat/snipurl-click/api/v1",
    root="/api/v1",
    calls=(Call("GET", "/links", "list_short_links", list_links),),
    refuse=refuse,
)
