"""A link as its workspace sees it."""

from operator import attrgetter
from typing import Any

from shortmcp.core.context import Context
from shortmcp.core.links.models import LinkPublic
from shortmcp.core.links.tables import Link
from shortmcp.core.totals import Total, read_total

# What the answer has from the table as it stands there.
_SHOWN = sorted(LinkPublic.model_fields.keys() & Link.model_fields.keys() - {"domain"})
_read_values = attrgetter(*_SHOWN)


def public_link(ctx: Context, link: Link, total: Total) -> LinkPublic:
    """`link` as its workspace sees it at this moment."""
    return LinkPublic(
        **_read_shown(link),
        domain=link.domain or ctx.site.host,
        short_url=ctx.site.short_url(link.short_code, link.domain),
        has_password=link.password_hash is not None,
        is_effectively_active=link.works_at(ctx.now),
        clicks_count=total.clicks,
    )


def _read_shown(link: Link) -> dict[str, Any]:
    return dict(zip(_SHOWN, _read_values(link), strict=True))


def show_link(ctx: Context, link: Link) -> LinkPublic:
    """`link` with the clicks that it has had."""
    return public_link(ctx, link, read_total(ctx, link.id or 0))
