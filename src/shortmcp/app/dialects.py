"""Other services' wire formats, put together."""

from functools import partial
from urllib.parse import urlsplit

from starlette.routing import Route
from starlette.types import ASGIApp

from shortmcp.app.node import Node
from shortmcp.catalog import CATALOG, PEEKED_SECRETS
from shortmcp.core.context import Caller, Work
from shortmcp.core.tokens import act_for
from shortmcp.faces.dialects import DIALECTS, PEEKING_DIALECTS, DialectFace, MappedHosts, Strangers
from shortmcp.faces.identity import Gate
from shortmcp.faces.telemetry import Telemetry
from shortmcp.faces.threads import Crew
from shortmcp.settings import Settings


def make_dialect_routes(node: Node, gate: Gate, work: Work, telemetry: Telemetry, crew: Crew) -> list[Route]:
    """The routes of every dialect."""
    operations = {operation.name: operation for operation in (*CATALOG, PEEKED_SECRETS)}
    face = DialectFace(gate, work, telemetry, crew, node.site.base_url, operations, _make_strangers(node))
    dialects = PEEKING_DIALECTS if node.settings.clipsend_content else DIALECTS
    return [route for dialect in dialects.values() for route in face.endpoints(dialect)]


def with_dialect_hosts(settings: Settings, inner: ASGIApp) -> ASGIApp:
    """`inner`, and the original paths of dialects on the hosts that the settings give them."""
    hosts = {host.encode("ascii"): DIALECTS[name] for host, name in settings.dialect_hosts.items()}
    return MappedHosts(inner, hosts, urlsplit(settings.public_url).scheme) if hosts else inner


def _make_strangers(node: Node) -> Strangers | None:
    if not node.settings.anonymous_workspace:
        return None
    return Strangers(partial(_find_stranger, node), node.doors().let_make, node.settings.trusted_proxies)


def _find_stranger(node: Node) -> Caller:
    with node.database.read() as connection:
        return act_for(connection, node.site, node.settings.anonymous_workspace)
