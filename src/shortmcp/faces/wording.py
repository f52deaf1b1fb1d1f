"""Refusals in the words of whoever called: the core's names of fields, replaced by the caller's."""

from collections.abc import Mapping

from shortmcp.core.errors import OperationError


def reword(error: OperationError, names: Mapping[str, str]) -> OperationError:
    """`error` with the fields named as the caller names them; `names` maps these to the core's."""
    known = {field: name for name, field in names.items()}
    errors = {known.get(field, field): [speak(text, names) for text in texts] for field, texts in error.errors.items()}
    return OperationError(
        error.code, speak(error.sentence, names), errors=errors, hint=error.hint, retry_after=error.retry_after
    )


def speak(text: str, names: Mapping[str, str]) -> str:
    """`text` with the fields in backticks named alike."""
    for name, field in names.items():
        text = text.replace(f"`{field}`", f"`{name}`")
    return text
