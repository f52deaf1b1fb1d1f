"""What an operation is, and perform(): the only way to run one."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from shortmcp.core.complaints import explain
from shortmcp.core.context import Caller, Context, Scope, Work
from shortmcp.core.errors import invalid
from shortmcp.core.fields import EXACT
from shortmcp.core.lists import ListQuery, Page
from shortmcp.core.retries import find_answer, keep_answer, make_attempt, not_kept
from shortmcp.core.versions import TAGS_FIELD, Versioned

STREAM_SIZE = 1000


class Effect(StrEnum):
    """What running an operation does to the workspace."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    # What is read is used up.
    CONSUME = "consume"


@dataclass(frozen=True)
class Route:
    """Where REST offers an operation: method, path below /api/v1, and names that differ from the input's fields.

    `query` and `body` map a wire name to the field that it fills: in a PATCH, `original_url` in the query names the
    link and in the body is its new destination. `location` is the path of what was created, made from its fields.
    `decided` are fields that the route gives by itself, and `needed` others that it must be given. A `plain` route
    answers the thing's text alone. `max_body` is in bytes, where more than usual may be sent.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, str] = field(default_factory=dict[str, str])
    location: str | None = None
    decided: Mapping[str, Any] = field(default_factory=dict[str, Any])
    needed: frozenset[str] = frozenset()
    plain: bool = False
    max_body: int | None = None


def _as_it_is(given: BaseModel) -> BaseModel:
    return given


def _without_question(work: Work, caller: Caller, given: BaseModel) -> BaseModel:
    return given


@dataclass(frozen=True, slots=True)
class Terms:
    """What a caller may ask of one call beside its input.

    `retry_key`, whatever was sent as one: to be done once, however often it is tried again. `expected`, tags: to be
    done only to a version that the caller has seen. None for no such wish.
    """

    retry_key: Any = None
    expected: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call; `is_replay` where it was done before and this is the answer of that time."""

    output: Any
    is_replay: bool = False


# Each is the same as itself alone, so that what is made of one can be remembered by it.
@dataclass(frozen=True, eq=False)
class Operation:
    """One row of the catalog: a core function and where it is offered. Name, text and types are the function's.

    `keeps_answer` is false where the answer shows what must lie nowhere else, such as a secret that is shown once: its
    retry is a CONFLICT that says that it was done. `checks_version` is true where the function calls check_version,
    `can_end` where the thing may be over by then: GONE. `erases` is true where what the function deletes must be
    nowhere once it was answered.
    """

    function: Callable[[Context, Any], Any]
    title: str
    routes: tuple[Route, ...]
    scope: Scope
    effect: Effect
    toolset: str = "core"
    # What is too slow for a transaction and needs none, such as hashing a password.
    prepare: Callable[[Any], Any] = _as_it_is
    # What must be written though the operation is then refused, such as a guess at a password: its own transactions.
    admit: Callable[[Work, Caller, Any], Any] = _without_question
    keeps_answer: bool = True
    checks_version: bool = False
    can_end: bool = False
    erases: bool = False

    @property
    def name(self) -> str:
        """The function's name: the MCP tool's name and the OpenAPI operation's id."""
        return self.function.__name__

    @cached_property
    def text(self) -> str:
        """What the operation does, for people and agents: the function's docstring."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @cached_property
    def _types(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def input(self) -> type[BaseModel]:
        """The model of what is given."""
        return next(kind for name, kind in self._types.items() if name not in {"ctx", "return"})

    @cached_property
    def output(self) -> Any:
        """The type of what comes back: a model, a `Page` of one, or None."""
        return self._types["return"]

    @property
    def takes_key(self) -> bool:
        """Whether a caller may give it a key that makes trying again safe: done twice, it would make two things."""
        return self.scope is Scope.WRITE and any(route.method == "POST" for route in self.routes)

    @property
    def has_version(self) -> bool:
        """Whether what comes back is one thing with a tag."""
        return isinstance(self.output, type) and issubclass(self.output, Versioned)

    @property
    def is_list(self) -> bool:
        """Whether the operation answers in pages."""
        return issubclass(self.input, ListQuery)

    def parse(self, raw: Mapping[str, Any]) -> BaseModel:
        """`raw` as the input model; OperationError(INVALID) with a sentence for each field at fault."""
        try:
            return self.input.model_validate(raw)
        except ValidationError as error:
            raise explain(error, self.input) from None

    def perform(self, work: Work, caller: Caller, raw: Mapping[str, Any]) -> Any:
        """Run the operation for `caller`: scope, input, then one transaction."""
        return self.perform_on(Terms(), work, caller, raw).output

    def perform_on(self, terms: Terms, work: Work, caller: Caller, raw: Mapping[str, Any]) -> Outcome:
        """`perform` on the caller's terms; PRECONDITION where the thing has another version than expected."""
        caller.require(self.scope, self.name)
        if terms.expected is not None and not self.checks_version:
            raise invalid(TAGS_FIELD, f"`{TAGS_FIELD}` is not looked at by `{self.name}`: leave it out.")
        attempt = None if terms.retry_key is None else make_attempt(terms.retry_key, self.name, raw)
        given = self.admit(work, caller, self.prepare(self.parse(raw)))
        with work.begin(caller, self.scope, erases=self.erases) as ctx:
            kept = None if attempt is None else find_answer(ctx, attempt)
            if kept is not None:
                return Outcome(self._read_answer(kept.answer), is_replay=True)
            output = self.function(ctx if terms.expected is None else replace(ctx, expected=terms.expected), given)
            if attempt is not None:
                keep_answer(ctx, attempt, self._write_answer(output) if self.keeps_answer else None)
            return Outcome(output)

    def perform_all(self, work: Work, caller: Caller, raw: Mapping[str, Any]) -> Iterator[Page[Any]]:
        """Run a list to its end, page by page, each in a transaction of its own, so that no list is too long."""
        caller.require(self.scope, self.name)
        given = self.parse(raw).model_copy(update={"per_page": STREAM_SIZE})
        while True:
            with work.begin(caller, self.scope) as ctx:
                page: Page[Any] = self.function(ctx, given)
            yield page
            if page.next_cursor is None:
                return
            given = given.model_copy(update={"cursor": page.next_cursor})

    @cached_property
    def _answers(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.output)

    def _write_answer(self, output: Any) -> str:
        return self._answers.dump_json(output, by_alias=True, context=EXACT).decode()

    def _read_answer(self, answer: str | None) -> Any:
        if answer is None:
            raise not_kept()
        try:
            return self._answers.validate_json(answer)
        except ValidationError:
            # Kept by another version, whose answers had other fields.
            raise not_kept() from None
