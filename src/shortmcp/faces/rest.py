"""The native REST face: the catalog's operations as routes under /api/v1, in JSON."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import orjson
from anyio import to_thread
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match
from starlette.routing import Route as Endpoint
from starlette.types import Receive, Scope, Send

from shortmcp.core.context import Caller, Work
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.lists import ListQuery, Page
from shortmcp.core.qr import draw_png, draw_svg
from shortmcp.core.qrcodes import QrPublic
from shortmcp.faces.bodies import MAX_BODY, read_body
from shortmcp.faces.conditions import mark, read_terms
from shortmcp.faces.identity import Allowance, Gate, exhausted
from shortmcp.faces.telemetry import Telemetry
from shortmcp.faces.texts import SAFE, answer_text
from shortmcp.faces.threads import Crew
from shortmcp.faces.wire import BODY_METHODS, Wire
from shortmcp.operation import Effect, Operation, Route

PREFIX = "/api/v1"
STATUS: Mapping[Code, int] = {
    Code.MALFORMED: 400,
    Code.INVALID: 422,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.GONE: 410,
    Code.CONFLICT: 409,
    Code.PRECONDITION: 412,
    Code.TOO_LARGE: 413,
    Code.PLAN_LIMIT: 422,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
}


@dataclass(frozen=True)
class RestFace:
    """Translates requests to operations and their outcomes to answers."""

    gate: Gate
    work: Work
    telemetry: Telemetry
    crew: Crew
    base_url: str
    # Other short domains than the base URL's.
    domains: frozenset[str]

    def endpoints(self, catalog: tuple[Operation, ...]) -> list[Endpoint]:
        """One endpoint for each route of each operation, and one for whatever else is asked below their path."""
        served = [
            Endpoint(PREFIX + route.path, self._endpoint(operation, route), methods=[route.method], name=operation.name)
            for operation in catalog
            for route in operation.routes
        ]
        return [*served, Endpoint(PREFIX + "/{rest:path}", Elsewhere(self.gate))]

    def _endpoint(self, operation: Operation, route: Route) -> Callable[[Request], Awaitable[Response]]:
        wire = Wire.of(operation, route)

        async def endpoint(request: Request) -> Response:
            try:
                body = await read_body(request, route.max_body or MAX_BODY) if route.method in BODY_METHODS else b""
            except OperationError as error:
                body = error
            # One hop to a thread: everything below is synchronous.
            return await self.crew.run(self._answer, operation, wire, request, body)

        return endpoint

    def _answer(self, operation: Operation, wire: Wire, request: Request, body: bytes | OperationError) -> Response:
        caller, allowance = None, None
        with self.telemetry.timed(operation.name, "rest") as timing:
            try:
                caller = self.gate.identify(request.headers.getlist("authorization"))
                allowance = self.gate.admit(caller)
                response = self._perform(operation, wire, caller, request, body)
            except OperationError as error:
                timing.outcome = error.code
                response = refusal(error)
                allowance = allowance or exhausted(caller)
        response.headers.update(allowance.headers())
        return response

    def _perform(
        self, operation: Operation, wire: Wire, caller: Caller, request: Request, body: bytes | OperationError
    ) -> Response:
        caller.require(operation.scope, operation.name)
        if isinstance(body, OperationError):
            raise body
        # From the scope, not from request.url: that one is made with the Host header, which anybody may write.
        raw = wire.merge(request.path_params, request.scope["query_string"], body)
        if operation.is_list and not raw.keys() & {"page", "per_page", "cursor"}:
            return _stream(operation.perform_all(self.work, caller, raw))
        try:
            outcome = operation.perform_on(read_terms(request, operation), self.work, caller, raw)
        except OperationError as error:
            raise wire.reword(error) from error
        if operation.is_list:
            asked = {name: value for name, value in raw.items() if name not in wire.path}
            query = cast(ListQuery, operation.parse(raw))
            return _numbered(self.base_url + quote(request.scope["path"]), asked, query, outcome.output)
        response = mark(self._render(wire.route, outcome.output), request, outcome)
        if operation.effect is Effect.CONSUME:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _render(self, route: Route, result: Any) -> Response:
        if result is None:
            return Response(status_code=204)
        if isinstance(result, QrPublic):
            return _image(result)
        if route.plain:
            return answer_text(result.text())
        response = _json({"data": _write(result)}, 200 if route.location is None else 201)
        if route.location is not None:
            response.headers["Location"] = self.base_url + PREFIX + self._locate(route.location, result.model_dump())
        return response

    def _locate(self, location: str, shown: Mapping[str, Any]) -> str:
        # A code on another short domain is another thing than the same code on the own one.
        path, domain = location.format(**shown), shown.get("domain")
        return f"{path}?domain={domain}" if domain in self.domains and path != location else path


@dataclass(frozen=True)
class Elsewhere:
    """Whatever no operation serves: 404, or 405 where another method is served; a request like others all the same."""

    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse one request; the site's handler words it."""
        routes = (route for route in scope["app"].routes if isinstance(route, Endpoint) and route.endpoint is not self)
        partial_matches = [route for route in routes if route.matches(scope)[0] is Match.PARTIAL]
        methods = {method for route in partial_matches for method in route.methods or ()}
        headers = (await to_thread.run_sync(self._allowance, Request(scope))).headers()
        if methods:
            raise HTTPException(405, headers={**headers, "Allow": ", ".join(sorted(methods))})
        raise HTTPException(404, headers=headers)

    def _allowance(self, request: Request) -> Allowance:
        caller = None
        try:
            caller = self.gate.identify(request.headers.getlist("authorization"))
            return self.gate.admit(caller)
        except OperationError:
            return exhausted(caller)


def refusal(error: OperationError) -> Response:
    """The answer to a caller who was refused."""
    answer: dict[str, Any] = {"message": error.sentence, "code": error.code.value}
    if error.errors:
        answer["errors"] = error.errors
    if error.hint:
        answer["hint"] = error.hint
    if error.code is Code.PLAN_LIMIT:
        answer["plan_limit_reached"] = True
    response = _json(answer, STATUS[error.code])
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.code is Code.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _write(result: BaseModel) -> orjson.Fragment:
    return orjson.Fragment(result.model_dump_json(by_alias=True))


def _json(content: Any, status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _image(result: QrPublic) -> Response:
    if result.format == "png":
        return Response(draw_png(result.drawing), media_type="image/png")
    return Response(
        draw_svg(result.drawing),
        media_type="image/svg+xml",
        headers=SAFE,
    )


def _stream(pages: Iterator[Page[Any]]) -> Response:
    # The first page is fetched here, so that a refusal still gets its status.
    first = next(pages)
    if first.next_cursor is None:
        response = _json({"data": [_write(item) for item in first.data]}, 200)
        response.headers.update(_total_of(first))
        return response
    return StreamingResponse(_pieces(first, pages), media_type="application/json", headers=_total_of(first))


def _pieces(first: Page[Any], rest: Iterator[Page[Any]]) -> Iterator[bytes]:
    yield b'{"data":[' + _items(first)
    for page in rest:
        yield b"," + _items(page) if page.data else b""
    yield b"]}"


def _items(page: Page[Any]) -> bytes:
    return b",".join(orjson.dumps(_write(item)) for item in page.data)


def _numbered(here: str, asked: Mapping[str, Any], query: ListQuery, page: Page[Any]) -> Response:
    size, total = query.per_page, page.total
    if query.cursor is not None:
        meta: dict[str, Any] = {"per_page": size, "total": total, "next_cursor": page.next_cursor}
        links = {} if page.next_cursor is None else {"next": {"cursor": page.next_cursor}}
    else:
        number, last = query.page or 1, max(1, -(-total // size))
        meta = {"page": number, "per_page": size, "total": total, "total_pages": last}
        near = {"first": 1, "prev": min(number - 1, last), "next": number + 1, "last": last}
        last = last if page.total_is_exact else number + 1
        links = {name: {"page": str(there)} for name, there in near.items() if 1 <= there <= last}
    if not page.total_is_exact:
        # Nobody has counted where the last page is; there is a next one as long as there is more.
        meta["total_is_exact"] = False
        links = {name: links[name] for name in links if name != "last" and (name != "next" or page.next_cursor)}
    response = _json({"data": [_write(item) for item in page.data], "meta": meta}, 200)
    response.headers.update(_total_of(page))
    if links:
        response.headers["Link"] = ", ".join(
            f'<{here}?{urlencode({**asked, **there})}>; rel="{name}"' for name, there in links.items()
        )
    return response


def _total_of(page: Page[Any]) -> dict[str, str]:
    return {"X-Total-Count": str(page.total)} if page.total_is_exact else {}
