"""The headers that make a request safe to send again or safe to send at all, and what they add to its answer."""

import re

from starlette.requests import Request
from starlette.responses import Response

from shortmcp.core.errors import invalid
from shortmcp.core.retries import KEY_FIELD
from shortmcp.core.versions import TAGS_FIELD, Versioned, tag_of
from shortmcp.operation import Effect, Operation, Outcome, Terms

# By the operation's name of it, as in the other names that REST has of its own.
HEADERS = {"Idempotency-Key": KEY_FIELD, "If-Match": TAGS_FIELD}
_TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAGS = re.compile(rf"{_TAG}([ \t]*,[ \t]*{_TAG})*")


def read_terms(request: Request, operation: Operation) -> Terms:
    """On what terms `operation` is asked for; a header that means nothing to its kind is ignored."""
    if operation.takes_key:
        return Terms(retry_key=_read_key(request))
    if operation.effect in {Effect.UPDATE, Effect.DELETE}:
        return Terms(expected=_read_match(request))
    return Terms()


def mark(response: Response, request: Request, outcome: Outcome) -> Response:
    """`response` with what has to be said of `outcome`; 304 in its place where the caller has it already."""
    if outcome.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    if isinstance(outcome.output, Versioned):
        tag = tag_of(outcome.output)
        if request.method in {"GET", "HEAD"} and _has(request, tag):
            response = Response(status_code=304)
        response.headers["ETag"] = f'"{tag}"'
    return response


def _read_key(request: Request) -> str | None:
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        return None
    # Sent twice it is no key.
    return sent[0].strip() if len(sent) == 1 else ""


def _read_match(request: Request) -> frozenset[str] | None:
    sent = ",".join(request.headers.getlist("if-match")).strip()
    if "if-match" not in request.headers or sent == "*":
        return None
    if not _TAGS.fullmatch(sent):
        raise invalid(
            "If-Match", "`If-Match` must be the `ETag` of an earlier answer with its quotes, several with commas, or *."
        )
    # A weak tag names no version exactly: RFC 9110 lets it match nothing here.
    return frozenset(tag for weak, tag in re.findall(_TAG, sent) if not weak)


def _has(request: Request, tag: str) -> bool:
    sent = ",".join(request.headers.getlist("if-none-match")).strip()
    return sent == "*" or tag in {known for _, known in re.findall(_TAG, sent)}
