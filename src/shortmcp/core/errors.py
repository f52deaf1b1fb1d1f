"""What a caller can mend, said in one sentence."""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Code(StrEnum):
    """Why an operation was refused; each face has one table from these to its own words."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    PRECONDITION = "precondition_failed"
    TOO_LARGE = "too_large"
    PLAN_LIMIT = "plan_limit"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class OperationError(Exception):
    """A refusal with its sentence. Everything else that an operation raises is a bug and flies.

    `sentence` names the thing and the way out and never holds foreign text or secrets. `errors` are the sentences by
    input field; `field` is short for one of them. `retry_after` is in whole seconds.
    """

    def __init__(
        self,
        code: Code,
        sentence: str,
        *,
        field: str | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.errors = errors or ({} if field is None else {field: [sentence]})
        self.hint = hint
        self.retry_after = retry_after


def invalid(field: str, sentence: str) -> OperationError:
    """The refusal of one input field."""
    return OperationError(Code.INVALID, sentence, field=field)
