"""Listing and calling tools: which ones a caller sees, and the hop to the operation behind one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from anyio import to_thread
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)
from starlette.requests import Request

from shortmcp.core.context import Caller, Scope, Work
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.retries import KEY_FIELD
from shortmcp.faces.identity import Gate
from shortmcp.faces.mcp_server.results import make_refusal, make_result
from shortmcp.faces.mcp_server.schemas import make_tool
from shortmcp.faces.telemetry import Telemetry
from shortmcp.operation import Operation, Terms

CALLER = "shortmcp.caller"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who sent a request, which toolsets it asked for, and whether it wants no writes."""

    caller: Caller
    toolsets: frozenset[str]
    readonly: bool

    def may_write(self) -> bool:
        """Whether writes are shown."""
        return self.caller.scope is Scope.WRITE and not self.readonly

    def require(self, operation: Operation) -> None:
        """Refuse a write where none was wanted; what the token may do is the operation's own question."""
        if self.readonly and operation.scope is Scope.WRITE:
            raise OperationError(
                Code.FORBIDDEN,
                f"`{operation.name}` changes data and this connection asked for read-only: "
                "connect without `readonly` to change things.",
            )


class Toolbox:
    """The catalog as tools. A hidden tool can be called all the same, unless `readonly` forbids it."""

    def __init__(self, catalog: tuple[Operation, ...], gate: Gate, work: Work, telemetry: Telemetry) -> None:
        self._operations: Mapping[str, Operation] = {operation.name: operation for operation in catalog}
        self._tools: Mapping[str, Tool] = {operation.name: make_tool(operation) for operation in catalog}
        self._gate = gate
        self._work = work
        self._telemetry = telemetry

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """A tool's input schema, for the transport's header checks."""
        tool = self._tools.get(name)
        return None if tool is None else tool.input_schema

    async def list_tools(
        self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """The tools of the caller's scope and toolsets, always in the catalog's order."""
        if params is not None and params.cursor is not None:
            raise MCPError(INVALID_PARAMS, "There is one page of tools: send tools/list without a cursor.")
        visit = _visit_of(context)
        return ListToolsResult(tools=[self._tools[operation.name] for operation in self._visible(visit)])

    async def call_tool(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> CallToolResult:
        """Run one tool in a thread of its own."""
        operation = self._operations.get(params.name)
        if operation is None:
            raise MCPError(INVALID_PARAMS, "There is no tool of that name: tools/list names those that there are.")
        visit = _visit_of(context)
        return await to_thread.run_sync(partial(self._run, operation, visit, params.arguments or {}))

    def _visible(self, visit: Visit) -> list[Operation]:
        return [
            operation
            for operation in self._operations.values()
            if operation.toolset in visit.toolsets and (operation.scope is Scope.READ or visit.may_write())
        ]

    def _run(self, operation: Operation, visit: Visit, arguments: Mapping[str, Any]) -> CallToolResult:
        with self._telemetry.timed(operation.name, "mcp") as timing:
            try:
                self._gate.admit(visit.caller)
                visit.require(operation)
                terms, given = _read_terms(operation, arguments)
                return make_result(operation.perform_on(terms, self._work, visit.caller, given).output)
            except OperationError as error:
                timing.outcome = error.code
                return make_refusal(error)


def _read_terms(operation: Operation, arguments: Mapping[str, Any]) -> tuple[Terms, Mapping[str, Any]]:
    if not operation.takes_key:
        return Terms(), arguments
    return Terms(arguments.get(KEY_FIELD)), {name: value for name, value in arguments.items() if name != KEY_FIELD}


def _visit_of(context: ServerRequestContext[Any, Any]) -> Visit:
    # Over HTTP, the only transport here, there is always a request: the one that the front put its visit into.
    visit: Visit = cast("Request", context.request).scope[CALLER]
    return visit
