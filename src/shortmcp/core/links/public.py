"""A link as its workspace sees it."""

from shortmcp.core.context import Context
from shortmcp.core.links.models import LinkPublic
from shortmcp.core.links.tables import Link
from shortmcp.core.totals import Total, read_total


def public_link(ctx: Context, link: Link, total: Total) -> LinkPublic:
    """`link` as its workspace sees it at this moment."""
    return LinkPublic(
        **link.model_dump(exclude={"workspace_id", "domain", "password_hash", "used_clicks", "blocked_at", "words"}),
        domain=link.domain or ctx.site.host,
        short_url=ctx.site.short_url(link.short_code, link.domain),
        has_password=link.password_hash is not None,
        is_effectively_active=link.works_at(ctx.now),
        clicks_count=total.clicks,
    )


def show_link(ctx: Context, link: Link) -> LinkPublic:
    """`link` with the clicks that it has had."""
    return public_link(ctx, link, read_total(ctx, link.id or 0))
