"""ClipSend: secrets and reserved slugs in one map, a reveal by GET, and the month's calls."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.responses import Response

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.lists import MAX_SIZE
from shortmcp.core.reservations import ReservedPublic
from shortmcp.core.secrets.models import SecretPublic
from shortmcp.faces.dialects.dialect import Asked, Call, Dialect, answer_json
from shortmcp.faces.identity import NO_LIMIT

FIELDS = {"content": "content", "max_uses": "max_uses", "slug": "slug"}
STATUS: Mapping[Code, int] = {
    Code.MALFORMED: 400,
    Code.INVALID: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.PLAN_LIMIT: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.GONE: 410,
    Code.PRECONDITION: 412,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
}


def refuse(error: OperationError) -> Response:
    """The answer to a caller who was refused."""
    return answer_json({"success": False, "error": error.sentence}, STATUS[error.code])


def create_link(asked: Asked) -> Response:
    """POST /links: a secret."""
    made: SecretPublic = asked.perform("create_secret", asked.given(FIELDS))
    return answer_json({"success": True, "link": made.short_url, "slug": made.slug, "max_uses": made.max_uses})


def show_links(asked: Asked) -> Response:
    """GET /links: with a slug its content, which takes a use of it; without one all that is active."""
    if "slug" in asked.query:
        return _reveal(asked)
    return answer_json({"success": True, "links": _everything(asked)})


def show_links_with_content(asked: Asked) -> Response:
    """`show_links` where the operator lets contents be listed."""
    if "slug" in asked.query:
        return _reveal(asked)
    links = _everything(asked)
    secrets = [slug for slug, link in links.items() if link["type"] == "link"]
    for start in range(0, len(secrets), MAX_SIZE):
        peeked = asked.perform("peek_secrets", {"slugs": secrets[start : start + MAX_SIZE]})
        for slug, content in peeked.contents.items():
            links[slug]["content"] = content
    return answer_json({"success": True, "links": links}, headers={"Cache-Control": "no-store"})


def show_usage(asked: Asked) -> Response:
    """GET /usage."""
    used = asked.perform("get_usage", {})
    limit = NO_LIMIT if used.limit is None else used.limit
    remaining = max(limit - used.calls_this_month, 0)
    return answer_json(
        {"success": True, "calls_this_month": used.calls_this_month, "limit": limit, "remaining": remaining}
    )


def _reveal(asked: Asked) -> Response:
    revealed = asked.perform("reveal_secret", {"slug": asked.query["slug"]})
    shown = {"content": revealed.content, "remaining_uses": revealed.remaining_uses, "slug": revealed.slug}
    return answer_json({"success": True, **shown}, headers={"Cache-Control": "no-store"})


def _everything(asked: Asked) -> dict[str, dict[str, Any]]:
    secrets = {secret.slug: _show(secret) for secret in asked.all_of("list_secrets", {"is_active": True})}
    reserved = asked.all_of("list_reserved_codes")
    own = {code.short_code: _show_reserved(code) for code in reserved if code.domain == asked.own_host}
    return {**secrets, **own}


def _show(secret: SecretPublic) -> dict[str, Any]:
    return {
        "type": "link",
        "slug": secret.slug,
        "current_uses": secret.max_uses - secret.remaining_uses,
        "remaining_uses": secret.remaining_uses,
        "created_at": _moment(secret.created_at),
        "max_uses": secret.max_uses,
        "url": secret.short_url,
    }


def _show_reserved(code: ReservedPublic) -> dict[str, Any]:
    return {
        "type": "reserved",
        "slug": code.short_code,
        "url": code.short_url,
        "is_paid": True,
        "created_at": _moment(code.created_at),
    }


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


CLIPSEND = Dialect(
    name="clipsend",
    prefix="/compat/clipsend/api",
    root="/api",
    calls=(
        Call("POST", "/links", "create_secret", create_link),
        Call("GET", "/links", "list_secrets", show_links),
        Call("GET", "/usage", "get_usage", show_usage),
    ),
    refuse=refuse,
    header="x-api-key",
)
CLIPSEND_WITH_CONTENT = replace(
    CLIPSEND,
    calls=tuple(
        replace(call, answer=show_links_with_content) if call.answer is show_links else call for call in CLIPSEND.calls
    ),
)
