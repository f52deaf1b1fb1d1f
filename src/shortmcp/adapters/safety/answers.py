"""Reading what services answer: whatever is not as documented is no answer."""

from typing import Any, cast

import orjson

from shortmcp.adapters.outbound import Answer
from shortmcp.core.jobs import Failure


class NoAnswer(Failure):
    """A service did not answer, or not as it should."""


def check_status(answer: Answer) -> None:
    """Raise NoAnswer for any other status than 200, and for an answer of which a part is missing."""
    if answer.status != 200:  # noqa: PLR2004 - the one status that means success
        raise NoAnswer(f"It answered with the status {answer.status}.")
    if not answer.is_whole:
        raise NoAnswer("Its answer is too large.")


def read_object(answer: Answer) -> dict[str, Any]:
    """The JSON object that a service answered with."""
    check_status(answer)
    try:
        read = orjson.loads(answer.body_start)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict):
        raise NoAnswer("Its answer is no JSON object.")
    return cast(dict[str, Any], read)


def read_objects(value: Any) -> list[dict[str, Any]]:
    """A list of JSON objects inside an answer; an empty one where it is left out."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in cast(list[Any], value)):
        raise NoAnswer("Its answer is not as documented.")
    return cast(list[dict[str, Any]], value)
