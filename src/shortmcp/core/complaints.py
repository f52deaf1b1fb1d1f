"""A validation error in our own words: the field, what is wrong with it, and the way out."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shortmcp.core.errors import Code, OperationError

_LIST = "List"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


def _too_long(known: Mapping[str, Any]) -> str:
    # Texts, too, where something else checks them before their length.
    if known["field_type"] == _LIST:
        return f"may hold at most {known['max_length']} items"
    return f"may be at most {known['max_length']} characters long"


def _too_short(known: Mapping[str, Any]) -> str:
    if known["field_type"] == _LIST:
        return f"must hold at least {known['min_length']}"
    return f"must be at least {known['min_length']} characters long"


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "string_type": lambda _: "must be text",
    "list_type": lambda _: "must be a list",
    "enum": lambda known: f"must be one of {known['expected']}",
    "too_long": _too_long,
    "string_too_long": lambda known: f"may be at most {known['max_length']} characters long",
    "too_short": _too_short,
    "string_too_short": lambda known: f"must be at least {known['min_length']} characters long",
    "string_pattern_mismatch": lambda known: f"must have the form {known['pattern']}",
    "string_unicode": lambda _: "must be valid Unicode text",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "is too large a number",
    "finite_number": lambda _: "must be a finite number",
    "greater_than_equal": lambda known: f"must be at least {known['ge']}",
    "less_than_equal": lambda known: f"must be at most {known['le']}",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "literal_error": lambda known: f"must be one of {known['expected']}",
    "value_error": lambda known: str(known["error"]),
}


def explain(error: ValidationError, model: type[BaseModel]) -> OperationError:
    """The refusal that says everything `error` knows, and nothing that the caller sent."""
    sentences: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        name, sentence = _explain_one(detail, model)
        sentences.setdefault(name, []).append(sentence)
    first = next(iter(sentences.values()))[0]
    return OperationError(Code.INVALID, first, errors=sentences)


def unknown_field(name: str, known: Iterable[str]) -> tuple[str, str]:
    """The name under which an unknown field is complained of, and the sentence that lists the `known` ones."""
    safe = name if _NAME.fullmatch(name) else "unknown"
    fields = ", ".join(f"`{field}`" for field in known) or "none"
    return safe, f"`{safe}` is not a field of this operation; its fields: {fields}."


def _explain_one(detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    name = str(detail["loc"][0]) if detail["loc"] else "body"
    if detail["type"] == "extra_forbidden":
        return unknown_field(name, (field.alias or key for key, field in model.model_fields.items()))
    say = _SENTENCES.get(detail["type"], lambda _: "is not valid: see the operation's schema")
    return name, f"`{name}` {say(detail.get('ctx', {}))}."
