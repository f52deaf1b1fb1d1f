"""Finding a link of the caller's workspace by its code or its destination."""

from sqlalchemy import text
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from shortmcp.core.context import Context
from shortmcp.core.destinations import normalize_destination
from shortmcp.core.domains import OWN, read_domain
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.links.models import LinkRef
from shortmcp.core.links.tables import Link

# Those that settings no longer name are among them.
_OTHER_DOMAINS = text("SELECT DISTINCT domain FROM link_counts WHERE workspace_id = :workspace AND domain <> :own")


def find_link(ctx: Context, ref: LinkRef, *, hold: bool = False) -> Link:
    """The caller's link with that destination, or, where none is given, with that code. `hold` it until the end.

    Without a domain a code means the link on the instance's own one, or the only one on any other.
    NOT_FOUND where there is none, CONFLICT where several match, INVALID where neither is given.
    """
    mine = select(Link).where(Link.workspace_id == ctx.caller.workspace_id)
    domain = None if ref.domain is None else read_domain(ctx.site, ref.domain)
    # On PostgreSQL another writer may change or delete it meanwhile; SQLite has one writer and no such clause.
    mine = mine.with_for_update() if hold else mine
    if ref.original_url is not None:
        mine = mine if domain is None else mine.where(Link.domain == domain)
        found = list(ctx.session.exec(mine.where(Link.original_url == _as_stored(ref.original_url)).limit(2)))
        return _only(found, "destination", "short_code")
    if ref.short_code is None:
        raise invalid("short_code", "`short_code` is required: send the link's code, or its destination instead.")
    return _find_by_code(ctx, mine.where(Link.short_code == _fold(ref.short_code)), domain)


def find_visited(ctx: Context, code: str, domain: str) -> Link:
    """The link that visitors find under a code, whosever it is: for what everybody may see. NOT_FOUND without one."""
    link = ctx.session.exec(select(Link).where(Link.domain == domain, Link.short_code == code)).first()
    if link is None:
        raise OperationError(Code.NOT_FOUND, "There is no such short link.")
    return link


def _find_by_code(ctx: Context, named: SelectOfScalar[Link], domain: str | None) -> Link:
    # One domain at a time: the index of codes begins with it, and without one all links of the workspace are read.
    if domain is not None:
        return _only(list(ctx.session.exec(named.where(Link.domain == domain))), "code", "domain")
    own = ctx.session.exec(named.where(Link.domain == OWN)).first()
    if own is not None:
        return own
    domains = ctx.session.connection().execute(_OTHER_DOMAINS, {"workspace": ctx.caller.workspace_id, "own": OWN})
    found = [ctx.session.exec(named.where(Link.domain == other)).first() for other in domains.scalars().all()]
    return _only([link for link in found if link is not None], "code", "domain")


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
