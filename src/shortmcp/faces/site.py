"""The routes around the operations: health, metrics, the API's description, and what is not there."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any

import orjson
import structlog
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from shortmcp.faces.pages import unknown_page
from shortmcp.faces.telemetry import Telemetry

log = structlog.get_logger("shortmcp.web")
# Faults by name, empty when there is none.
Readiness = Callable[[], Mapping[str, str]]
# MCP clients probe these and break on HTML.
OAUTH_PATHS = ("/.well-known/{path:path}", "/register", "/authorize", "/token", "/revoke")


@dataclass(frozen=True)
class SiteFace:
    """Health, readiness, metrics and the OpenAPI document."""

    telemetry: Telemetry
    readiness: Readiness
    document: Mapping[str, Any]
    metrics_public: bool

    def routes(self) -> list[Route]:
        """The routes; all answer GET."""
        return [
            Route("/healthz", _health),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
            Route("/api/v1/openapi.json", self._openapi),
            *[Route(path, _no_oauth, methods=["GET", "POST", "OPTIONS", "DELETE", "PUT"]) for path in OAUTH_PATHS],
        ]

    async def _ready(self, request: Request) -> Response:
        faults = await to_thread.run_sync(self.readiness)
        return _json({"ready": not faults, "faults": faults}, 503 if faults else 200)

    async def _metrics(self, request: Request) -> Response:
        if not self.metrics_public and not _is_loopback(request):
            raise HTTPException(404)
        return Response(self.telemetry.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _openapi(self, request: Request) -> Response:
        return Response(self._written, media_type="application/json")

    @cached_property
    def _written(self) -> bytes:
        # Once: writing it takes a millisecond in which the event loop answers nobody, and anybody may ask for it.
        return orjson.dumps(self.document)


def make_site(routes: list[BaseRoute], lifespan: Callable[[Starlette], Any]) -> Starlette:
    """The app behind the redirects: `routes`, and plain words for everything else."""
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        HTTPException: _not_served,
        Exception: _bug,
    }
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    # A slash too many is another path: no redirect may be made from what a visitor typed.
    app.router.redirect_slashes = False
    return app


async def _health(request: Request) -> Response:
    return _json({"status": "ok"}, 200)


async def _no_oauth(request: Request) -> Response:
    return _json({"error": "not_found"}, 404)


async def _not_served(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if request.scope["path"].lstrip("/").split("/")[0] in {"api", "compat", "mcp"}:
        sentence = (
            "This path does not take that method." if error.status_code == 405 else "There is nothing at this path."  # noqa: PLR2004
        )
        code = "method_not_allowed" if error.status_code == 405 else "not_found"  # noqa: PLR2004
        return _json({"message": sentence, "code": code}, error.status_code, headers)
    page = unknown_page()
    return HTMLResponse(
        page.body, error.status_code, headers | {name.decode(): value.decode() for name, value in page.headers}
    )


async def _bug(request: Request, error: Exception) -> Response:
    # The path may hold a code, never a query string or a token.
    log.error("unexpected error", path=request.scope["path"][:200], method=request.method, exc_info=error)
    return _json({"message": "Something went wrong on our side; it was logged.", "code": "internal"}, 500)


def _json(content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def _is_loopback(request: Request) -> bool:
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        # Through a proxy on this machine, from anywhere.
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
