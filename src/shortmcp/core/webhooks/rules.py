"""The rules for where a webhook may lead and what it may be limited to."""

from ipaddress import ip_address

from ada_url import URL

from shortmcp.core.context import Context
from shortmcp.core.destinations import normalize_destination
from shortmcp.core.errors import invalid
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.models import LinkRef
from shortmcp.core.projects import find_project
from shortmcp.core.public_addresses import is_public

_LOCAL = ("localhost", "local", "internal", "home.arpa")


def checked_url(ctx: Context, raw: str) -> str:
    """An endpoint's URL as it is stored: https, on the public Internet, as far as its text tells.

    What a name leads to is judged when a connection is made. Where the operator allows private endpoints, any host and
    port, and http, will do.
    """
    url = normalize_destination("url", raw, ctx.site.own_origins)
    parts = URL(url)
    if parts.protocol != "https:" and not (ctx.site.allow_private_webhooks and parts.protocol == "http:"):
        raise invalid("url", "`url` must begin with https://.")
    if not ctx.site.allow_private_webhooks:
        _check_public(parts)
    return url


def checked_project(ctx: Context, reference: str | None) -> int | None:
    """The id of the project that a webhook is limited to."""
    return None if reference is None else find_project(ctx, reference).id


def checked_link(ctx: Context, code: str | None, domain: str | None) -> int | None:
    """The id of the link that a webhook is limited to."""
    if code is None:
        if domain is not None:
            raise invalid("domain", "`domain` says which `link` is meant: send both or neither.")
        return None
    return find_link(ctx, LinkRef(short_code=code, domain=domain)).id


def _check_public(url: URL) -> None:
    if url.port:
        raise invalid("url", "`url` must use the port 443: leave the port out.")
    host = url.hostname.strip("[]").rstrip(".")
    if any(host == name or host.endswith(f".{name}") for name in _LOCAL) or (_is_address(host) and not is_public(host)):
        raise invalid("url", "`url` leads to a private or reserved address: give one on the public Internet.")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
