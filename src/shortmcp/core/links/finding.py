"""Finding a link of the caller's workspace by its code or its destination."""

from sqlmodel import select

from shortmcp.core.context import Context
from shortmcp.core.destinations import normalize_destination
from shortmcp.core.domains import OWN, read_domain
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.links.models import LinkRef
from shortmcp.core.links.tables import Link


def find_link(ctx: Context, ref: LinkRef, *, hold: bool = False) -> Link:
    """The caller's link with that destination, or, where none is given, with that code. `hold` it until the end.

    Without a domain a code means the link on the instance's own one, or the only one on any other.
    NOT_FOUND where there is none, CONFLICT where several match, INVALID where neither is given.
    """
    mine = select(Link).where(Link.workspace_id == ctx.caller.workspace_id)
    if ref.domain is not None:
        mine = mine.where(Link.domain == read_domain(ctx.site, ref.domain))
    # On PostgreSQL another writer may change or delete it meanwhile; SQLite has one writer and no such clause.
    mine = mine.with_for_update() if hold else mine
    if ref.original_url is not None:
        found = list(ctx.session.exec(mine.where(Link.original_url == _as_stored(ref.original_url)).limit(2)))
        return _only(found, "destination", "short_code")
    if ref.short_code is None:
        raise invalid("short_code", "`short_code` is required: send the link's code, or its destination instead.")
    found = list(ctx.session.exec(mine.where(Link.short_code == _fold(ref.short_code))))
    return _only([link for link in found if link.domain == OWN] or found, "code", "domain")


def find_visited(ctx: Context, code: str, domain: str) -> Link:
    """The link that visitors find under a code, whosever it is: for what everybody may see. NOT_FOUND without one."""
    link = ctx.session.exec(select(Link).where(Link.domain == domain, Link.short_code == code)).first()
    if link is None:
        raise OperationError(Code.NOT_FOUND, "There is no such short link.")
    return link


def _only(found: list[Link], what: str, way_out: str) -> Link:
    if not found:
        raise OperationError(
            Code.NOT_FOUND, "There is no such short link in this workspace.", hint="list_short_links shows them all."
        )
    if len(found) > 1:
        raise OperationError(
            Code.CONFLICT, f"Several short links have this {what}: name the one you mean by its `{way_out}`."
        )
    return found[0]


def _fold(short_code: str) -> str:
    # Outside ASCII lower-casing makes letters of other signs, such as the Kelvin sign.
    return short_code.lower() if short_code.isascii() else short_code


def _as_stored(original_url: str) -> str:
    try:
        return normalize_destination("original_url", original_url, frozenset())
    except OperationError:
        # Not a destination that any link can have: as it stands it matches none.
        return original_url
