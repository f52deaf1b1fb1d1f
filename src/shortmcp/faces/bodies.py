"""Reading what was sent: bounded, and without traps."""

from asyncio import timeout
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from shortmcp.core.errors import Code, OperationError, invalid

MAX_BODY = 2 << 20
# For 2 MiB that is a slow telephone line; whoever sends less in that time only wants to be waited for.
BODY_SECONDS = 60.0


async def read_body(request: Request, limit: int = MAX_BODY, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body, at most `limit` bytes of it that come within `seconds`; compressed ones are refused."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise OperationError(Code.MALFORMED, "The body must not be compressed: send it without Content-Encoding.")
    too_large = OperationError(Code.TOO_LARGE, f"The body may be at most {limit} bytes long.")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise too_large
    chunks, size = list[bytes](), 0
    try:
        # A third of what the same costs in anyio.
        async with timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                chunks.append(chunk)
    except ClientDisconnect as error:
        raise OperationError(Code.MALFORMED, "The body ended early.") from error
    except TimeoutError as error:
        raise OperationError(Code.MALFORMED, f"The body took longer than {seconds:.0f} seconds.") from error
    return b"".join(chunks)


def parse_json(body: bytes) -> dict[str, Any]:
    """The object that `body` holds; nothing is an empty object.

    orjson refuses what the standard library lets through: NaN, lone surrogates and nesting past 1024 levels.
    """
    if not body.strip():
        return {}
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise OperationError(Code.MALFORMED, "The body must be valid JSON in UTF-8.") from error
    if not isinstance(parsed, dict):
        raise OperationError(Code.MALFORMED, 'The body must be a JSON object, such as {"name": "value"}.')
    return cast(dict[str, Any], parsed)


def parse_query(query: bytes) -> dict[str, Any]:
    """The fields of a query string, the last of several with one name."""
    try:
        return dict(parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=50))
    except ValueError as error:
        raise invalid("query", "The query string must be percent-encoded UTF-8 with at most 50 fields.") from error
