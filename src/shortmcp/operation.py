"""What an operation is, and perform(): the only way to run one."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from shortmcp.core.complaints import explain
from shortmcp.core.context import Caller, Context, Scope, Work
from shortmcp.core.lists import ListQuery, Page

STREAM_SIZE = 1000


class Effect(StrEnum):
    """What running an operation does to the workspace."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Route:
    """Where REST offers an operation: method, path below /api/v1, and names that differ from the input's fields.

    `query` and `body` map a wire name to the field that it fills: in a PATCH, `original_url` in the query names the
    link and in the body is its new destination. `location` is the path of what was created, made from its fields.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, str] = field(default_factory=dict[str, str])
    location: str | None = None


def _as_it_is(given: BaseModel) -> BaseModel:
    return given


@dataclass(frozen=True)
class Operation:
    """One row of the catalog: a core function and where it is offered. Name, text and types are the function's."""

    function: Callable[[Context, Any], Any]
    title: str
    routes: tuple[Route, ...]
    scope: Scope
    effect: Effect
    toolset: str = "core"
    # What is too slow for a transaction and needs none, such as hashing a password.
    prepare: Callable[[Any], Any] = _as_it_is

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
        caller.require(self.scope, self.name)
        given = self.prepare(self.parse(raw))
        with work.begin(caller, self.scope) as ctx:
            return self.function(ctx, given)

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
