"""Versions: which state of a thing a caller has seen, so that nobody undoes what somebody else has just done."""

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.fields import EXACT

# What an operation's refusals call the tags that it was given.
TAGS_FIELD = "expected_version"


class Versioned(BaseModel):
    """An answer that shows one thing; `moving` names what changes in it though nobody changes the thing."""

    moving: ClassVar[frozenset[str]] = frozenset()


def tag_of(shown: Versioned) -> str:
    """The tag of what is shown: hex digits for what somebody set, a dot, hex digits for what moves by itself.

    A copy is stale as soon as any of it differs. Who changes the thing goes by the first half alone: a click, or an
    expiry that came, is nothing that a change could undo. That half is made of every other field, `updated_at` with
    its microseconds among them, since not all that can be set is shown.
    """
    fields = _fields_of(shown)
    moving = {name: fields.pop(name) for name in shown.moving}
    return f"{_digest(fields)}.{_digest(moving)[:8]}"


def check_version(ctx: Context, show: Callable[[], Versioned]) -> None:
    """Refuse to go on where the caller has seen another version of a thing, which must be held by now."""
    if ctx.expected is None:
        return
    shown = show()
    fields = {name: value for name, value in _fields_of(shown).items() if name not in shown.moving}
    if _digest(fields) not in {tag.partition(".")[0] for tag in ctx.expected}:
        raise OperationError(
            Code.PRECONDITION,
            "This was changed since you read it, and nothing was stored: read it again, then decide.",
        )


def _fields_of(shown: Versioned) -> dict[str, Any]:
    return shown.model_dump(mode="json", context=EXACT)


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
