"""JSON-RPC messages before the SDK sees them, so that what is malformed is answered in our own words."""

from typing import Any, cast

import orjson
from mcp_types import methods
from mcp_types.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from pydantic import ValidationError
from pydantic_core import from_json

DEFAULT_VERSION = "2025-03-26"


class EnvelopeError(Exception):
    """A message that is no request: the JSON-RPC error code, the sentence, and the id where it had one."""

    def __init__(self, code: int, sentence: str, request_id: str | int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.request_id = request_id

    def body(self) -> bytes:
        """The JSON-RPC error answer."""
        error = {"code": self.code, "message": self.sentence}
        return orjson.dumps({"jsonrpc": "2.0", "id": self.request_id, "error": error})


def check_message(body: bytes, version: str | None) -> None:
    """Raise EnvelopeError for what is not one well-formed JSON-RPC request or notification."""
    message = _parse(body)
    request_id = _check_id(message)
    if message.get("jsonrpc") != "2.0":
        raise EnvelopeError(INVALID_REQUEST, '`jsonrpc` must be "2.0".', request_id)
    if "method" not in message and message.keys() & {"result", "error"}:
        raise EnvelopeError(INVALID_REQUEST, "This server asks clients nothing: it takes no responses.", request_id)
    if not isinstance(message.get("method"), str):
        raise EnvelopeError(INVALID_REQUEST, "`method` must be text, such as tools/list.", request_id)
    if not isinstance(message.get("params"), dict | None):
        raise EnvelopeError(INVALID_PARAMS, "`params` must be an object.", request_id)
    if "id" in message:
        _check_params(message, version or DEFAULT_VERSION, request_id)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        # orjson refuses what others let through: NaN, infinite numbers, lone surrogates.
        message = orjson.loads(body)
        # The SDK's own reader refuses deeper nesting than orjson's.
        from_json(body)
    except ValueError as error:
        raise EnvelopeError(
            PARSE_ERROR, "The body must be one JSON-RPC message: valid JSON in UTF-8, not nested deeply."
        ) from error
    if not isinstance(message, dict):
        raise EnvelopeError(
            INVALID_REQUEST, "The body must be one JSON-RPC message, an object; batches are not supported."
        )
    return cast("dict[str, Any]", message)


def _check_id(message: dict[str, Any]) -> str | int | None:
    request_id = message.get("id")
    # A JSON number past 64 bits arrives as a float; true and false are no numbers.
    if "id" in message and (isinstance(request_id, bool) or not isinstance(request_id, str | int)):
        raise EnvelopeError(INVALID_REQUEST, "`id` must be text or a whole number.")
    return request_id


def _check_params(message: dict[str, Any], version: str, request_id: str | int | None) -> None:
    try:
        methods.validate_client_request(message["method"], version, message.get("params"))
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in detail["loc"] if isinstance(part, int) or part.isidentifier())
        wrong = "is required" if detail["type"] == "missing" else "has the wrong type or value"
        raise EnvelopeError(
            INVALID_PARAMS, f"`{where[:100]}` {wrong} in this method of MCP {version}.", request_id
        ) from None
    except (KeyError, ValueError):
        # A method or a version that the SDK does not know: it says so itself, in its own clear words.
        return
