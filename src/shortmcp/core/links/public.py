"""A link as its workspace sees it."""

from shortmcp.core.context import Context
from shortmcp.core.links.models import LinkPublic
from shortmcp.core.links.tables import Link
from shortmcp.core.totals import Total, read_total

# What the answer has from the table as it stands there.
_SHOWN = LinkPublic.model_fields.keys() & Link.model_fields.keys() - {"domain"}


def public_link(ctx: Context, link: Link, total: Total) -> LinkPublic:
    """`link` as its workspace sees it at this moment."""
    return LinkPublic(
        **{name: getattr(link, name) for name in _SHOWN},
        domain=link.domain or ctx.site.host,
        short_url=ctx.site.short_url(link.short_code, link.domain),
        has_password=link.password_hash is not None,
        is_effectively_active=link.works_at(ctx.now),
        clicks_count=total.clicks,
    )


def show_link(ctx: Context, link: Link) -> LinkPublic:
    """`link` with the clicks that it has had."""
    return public_link(ctx, link, read_total(ctx, link.id or 0))
