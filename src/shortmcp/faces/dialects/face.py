"""Answers the calls of dialects: who calls, the operation, and the answer in the dialect's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Endpoint

from shortmcp.core.context import Caller, Work
from shortmcp.core.errors import OperationError
from shortmcp.faces.addresses import Network, read_address
from shortmcp.faces.bodies import MAX_BODY, parse_json, parse_query, read_body
from shortmcp.faces.conditions import read_terms
from shortmcp.faces.dialects.dialect import Asked, Call, Dialect
from shortmcp.faces.dialects.hosts import ROOT_KEY
from shortmcp.faces.identity import Gate, exhausted
from shortmcp.faces.telemetry import Telemetry
from shortmcp.faces.threads import Crew
from shortmcp.faces.wire import BODY_METHODS
from shortmcp.faces.wording import reword
from shortmcp.operation import Operation


@dataclass(frozen=True)
class Strangers:
    """Callers without a token. `find` gives the caller that they all are, `count` refuses who has made too many things.

    `trusted` are the proxies whose word for an address counts.
    """

    find: Callable[[], Caller]
    count: Callable[[str, str], None]
    trusted: tuple[Network, ...]

    def admit(self, call: Call, request: Request) -> Caller:
        """The caller of a call that was sent without a token."""
        caller, scope = self.find(), request.scope
        if call.makes is not None:
            self.count(call.makes, read_address(scope["client"], scope["headers"], self.trusted))
        return caller


@dataclass(frozen=True)
class DialectFace:
    """Offers dialects on top of the operations of `catalog`."""

    gate: Gate
    work: Work
    telemetry: Telemetry
    crew: Crew
    base_url: str
    catalog: Mapping[str, Operation]
    strangers: Strangers | None = None

    def endpoints(self, dialect: Dialect) -> list[Endpoint]:
        """One endpoint for each call of a dialect."""
        return [self._endpoint(dialect, call) for call in dialect.calls]

    def _endpoint(self, dialect: Dialect, call: Call) -> Endpoint:
        limit = max([route.max_body or MAX_BODY for route in self.catalog[call.operation].routes], default=MAX_BODY)

        async def endpoint(request: Request) -> Response:
            try:
                body = await read_body(request, limit) if call.method in BODY_METHODS else b""
            except OperationError as error:
                body = error
            return await self.crew.run(self._answer, dialect, call, request, body)

        return _without_head(Endpoint(dialect.prefix + call.path, endpoint, methods=[call.method]))

    def _answer(self, dialect: Dialect, call: Call, request: Request, body: bytes | OperationError) -> Response:
        caller, allowance = None, None
        with self.telemetry.timed(call.operation, dialect.name) as timing:
            try:
                caller = self._identify(dialect, call, request)
                allowance = self.gate.admit(caller)
                response = self._perform(dialect, call, caller, request, body)
            except OperationError as error:
                timing.outcome = error.code
                response = dialect.refuse(reword(error, dialect.names))
                if error.retry_after is not None:
                    response.headers["Retry-After"] = str(error.retry_after)
                allowance = allowance or exhausted(caller)
        response.headers.update(allowance.headers())
        return response

    def _identify(self, dialect: Dialect, call: Call, request: Request) -> Caller:
        sent = _credentials(dialect, request)
        if not sent and call.takes_strangers and self.strangers is not None:
            return self.strangers.admit(call, request)
        return self.gate.identify(sent)

    def _perform(
        self, dialect: Dialect, call: Call, caller: Caller, request: Request, body: bytes | OperationError
    ) -> Response:
        caller.require(self.catalog[call.operation].scope, call.operation)
        if isinstance(body, OperationError):
            raise body
        asked = Asked(
            path=request.path_params,
            query=parse_query(request.scope["query_string"]),
            body=parse_json(body),
            root=request.scope.get(ROOT_KEY, self.base_url + dialect.prefix),
            base_url=self.base_url,
            perform=partial(self._run, caller, request, call.operation),
        )
        return call.answer(asked)

    def _run(self, caller: Caller, request: Request, main: str, operation: str, given: Mapping[str, Any]) -> Any:
        chosen = self.catalog[operation]
        # Strangers have no token that would keep one's keys from another's.
        if operation != main or caller.token_id == 0:
            return chosen.perform(self.work, caller, given)
        # A key that makes trying again safe is honoured here as it is natively.
        return chosen.perform_on(read_terms(request, chosen), self.work, caller, given).output


def _credentials(dialect: Dialect, request: Request) -> list[str]:
    sent = request.headers.getlist(dialect.header)
    return sent if dialect.header == "authorization" else [f"Bearer {key}" for key in sent]


def _without_head(endpoint: Endpoint) -> Endpoint:
    # Starlette adds HEAD to GET, and there are services whose GET uses something up.
    endpoint.methods = (endpoint.methods or set[str]()) - {"HEAD"}
    return endpoint
