"""The headers that make a request safe to send again, and what they add to its answer."""

from starlette.requests import Request
from starlette.responses import Response

from shortmcp.core.retries import KEY_FIELD
from shortmcp.operation import Operation, Outcome, Terms

# By the operation's name of it, as in the other names that REST has of its own.
HEADERS = {"Idempotency-Key": KEY_FIELD}


def read_terms(request: Request, operation: Operation) -> Terms:
    """On what terms `operation` is asked for; a header that means nothing to it is ignored."""
    keys = request.headers.getlist("idempotency-key") if operation.takes_key else []
    if not keys:
        return Terms()
    # Sent twice it is no key.
    return Terms(retry_key=keys[0].strip() if len(keys) == 1 else "")


def mark(response: Response, outcome: Outcome) -> Response:
    """`response` with what has to be said of `outcome`."""
    if outcome.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return response
