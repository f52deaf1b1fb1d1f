"""Listing and calling tools: which ones a caller sees, and the hop to the operation behind one."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import structlog
from anyio import to_thread
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)
from starlette.requests import Request

from shortmcp.core.context import Scope, Work
from shortmcp.core.errors import OperationError
from shortmcp.core.retries import KEY_FIELD
from shortmcp.faces.identity import Gate
from shortmcp.faces.mcp_server.results import make_refusal, make_result
from shortmcp.faces.mcp_server.schemas import make_tool
from shortmcp.faces.mcp_server.visits import Visit
from shortmcp.faces.telemetry import Telemetry
from shortmcp.operation import Operation, Terms

log = structlog.get_logger("shortmcp.mcp")
CALLER = "shortmcp.caller"
BUG = "Something went wrong on our side; it was logged."


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
        return ListToolsResult(tools=self.shown(visit.toolsets, may_write=visit.may_write()))

    async def call_tool(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> CallToolResult:
        """Run one tool in a thread of its own."""
        operation = self._operations.get(params.name)
        if operation is None:
            raise MCPError(INVALID_PARAMS, "There is no tool of that name: tools/list names those that there are.")
        visit = _visit_of(context)
        return await to_thread.run_sync(partial(self._call, operation, visit, params.arguments or {}))

    def find(self, name: str) -> Operation | None:
        """The operation behind a tool."""
        return self._operations.get(name)

    def shown(self, toolsets: frozenset[str], *, may_write: bool) -> list[Tool]:
        """The tools of these toolsets, always in the catalog's order."""
        return [
            self._tools[operation.name]
            for operation in self._operations.values()
            if operation.toolset in toolsets and (operation.scope is Scope.READ or may_write)
        ]

    def run(self, operation: Operation, visit: Visit, arguments: Mapping[str, Any]) -> Any:
        """What an operation answers; OperationError for a refusal."""
        with self._telemetry.timed(operation.name, "mcp"):
            self._gate.admit(visit.caller)
            visit.require(operation)
            terms, given = _read_terms(operation, arguments)
            return operation.perform_on(terms, self._work, visit.caller, given).output

    def _call(self, operation: Operation, visit: Visit, arguments: Mapping[str, Any]) -> CallToolResult:
        try:
            return make_result(self.run(operation, visit, arguments))
        except OperationError as error:
            return make_refusal(error)
        except Exception as error:
            # The SDK would show its text to the caller.
            log.exception("unexpected error", tool=operation.name)
            raise MCPError(INTERNAL_ERROR, BUG) from error


def _read_terms(operation: Operation, arguments: Mapping[str, Any]) -> tuple[Terms, Mapping[str, Any]]:
    if not operation.takes_key:
        return Terms(), arguments
    return Terms(arguments.get(KEY_FIELD)), {name: value for name, value in arguments.items() if name != KEY_FIELD}


def _visit_of(context: ServerRequestContext[Any, Any]) -> Visit:
    # Over HTTP, the only transport here, there is always a request: the one that the front put its visit into.
    visit: Visit = cast("Request", context.request).scope[CALLER]
    return visit
