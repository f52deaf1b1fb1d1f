"""The operations on short links."""

from collections.abc import Collection

from sqlalchemy import bindparam, insert
from sqlmodel import col, select

from shortmcp.core.codes import Kind, claim_code, count_codes, normalize_code, retire_code
from shortmcp.core.context import Context
from shortmcp.core.domains import qualify, read_domain
from shortmcp.core.errors import invalid
from shortmcp.core.events.announcing import Event, announce
from shortmcp.core.limits import check_link_limit
from shortmcp.core.links.checks import request_checks, unverified
from shortmcp.core.links.expiry import EXPIRY, expect_expiry, has_expired
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.listing import find_ids
from shortmcp.core.links.models import (
    LinkCreate,
    LinkDetails,
    LinkList,
    LinkNumbers,
    LinkPublic,
    LinkRef,
    LinkUpdate,
)
from shortmcp.core.links.public import public_link, show_link
from shortmcp.core.links.rules import check_mask, checked_fields, start_counting
from shortmcp.core.links.tables import Link
from shortmcp.core.links.words import make_words
from shortmcp.core.lists import Page, make_page
from shortmcp.core.projects import Hold, find_project, only_project
from shortmcp.core.removal import discard_link
from shortmcp.core.totals import Total, read_recent, read_total, read_totals
from shortmcp.core.versions import check_version

# What cannot be empty: null is refused, for leaving the field out keeps it.
_REQUIRED = (
    "original_url",
    "title",
    "is_active",
    "new_short_code",
    "mask",
    "notify_on_mask_break",
    "analytics_public",
    "forward_query",
)
_BY_ID = select(Link).where(
    Link.workspace_id == bindparam("workspace"), col(Link.id).in_(bindparam("ids", expanding=True))
)
# Past the unit of work: one row, of which everything is known.
_INSERT = insert(Link).returning(col(Link.id))


def list_short_links(ctx: Context, query: LinkList) -> Page[LinkPublic]:
    """List short links of the workspace or of one project, newest first, or those that a search finds.

    `total_is_exact` false means that there are more than `total`. Use get_link_analytics for a link's clicks and
    get_short_link for a single one.
    """
    found = find_ids(ctx, query)
    asked = {"workspace": ctx.caller.workspace_id, "ids": found.ids}
    links = {link.id: link for link in ctx.session.exec(_BY_ID, params=asked)}
    totals = read_totals(ctx, found.ids)
    public = [public_link(ctx, links[link_id], totals.get(link_id, Total())) for link_id in found.ids]
    last = found.ids[query.per_page - 1] if len(found.ids) > query.per_page else None
    return make_page(public, last, found.total, query, is_exact=found.is_exact)


def get_short_link(ctx: Context, ref: LinkRef) -> LinkDetails:
    """Show one short link by its code or by its destination, with its clicks in all, today, this week and month."""
    link = find_link(ctx, ref)
    total, recent = read_total(ctx, link.id or 0), read_recent(ctx, link.id or 0)
    numbers = LinkNumbers(
        total_clicks=total.clicks,
        unique_clicks=total.uniques,
        clicks_today=recent.today,
        clicks_this_week=recent.week,
        clicks_this_month=recent.month,
    )
    return LinkDetails(**dict(public_link(ctx, link, total)), analytics=numbers)


def create_short_link(ctx: Context, new: LinkCreate) -> LinkPublic:
    """Create a short link in a project. Returns it with its `short_url`, ready to be shared.

    Refuses a code that is taken or reserved, a destination that is not https, http, mailto or tel, and one link more
    than the plan allows. Use get_qr_code for its QR code and update_short_link to change it later.
    """
    project_id = only_project(ctx) if new.project is None else find_project(ctx, new.project, Hold.KEEP).id or 0
    domain = read_domain(ctx.site, new.domain)
    fields = checked_fields(ctx, new, new.model_dump(exclude={"project", "short_code", "domain"}))
    link = Link(
        **fields,
        domain=domain,
        short_code=claim_code(ctx, new.short_code, Kind.LINK, domain=domain),
        workspace_id=ctx.caller.workspace_id,
        project_id=project_id,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    link.words = make_words(link.original_url, link.short_code, link.title)
    check_link_limit(ctx, lambda: count_codes(ctx) - 1)
    check_mask(link)
    link.id = ctx.session.connection().execute(_INSERT, link.model_dump(exclude={"id"})).scalar_one()
    request_checks(ctx, link, fields.keys(), is_new=True)
    if link.expires_at is not None:
        expect_expiry(ctx, link)
    made = public_link(ctx, link, Total())
    announce(ctx, Event.LINK_CREATED, {"link": made}, project_id=link.project_id, link_id=link.id)
    return made


def update_short_link(ctx: Context, change: LinkUpdate) -> LinkPublic:
    """Change a link's destination, title, code, expiry, state, password or other fields. Returns it as it is then.

    Name the link by its present code or by its present destination. A printed QR code goes on working unless the code
    itself is changed.
    """
    reference = LinkRef(short_code=change.short_code, original_url=change.current_original_url, domain=change.domain)
    link = find_link(ctx, reference, hold=True)
    check_version(ctx, lambda: show_link(ctx, link))
    fields = change.model_dump(exclude_unset=True, exclude={"short_code", "current_original_url", "domain"})
    for field in _REQUIRED:
        if field in fields and fields[field] is None:
            raise invalid(field, f"`{field}` cannot be empty: leave it out to keep it.")
    fields = checked_fields(ctx, change, fields)
    if "new_short_code" in fields:
        fields["short_code"] = _rename(ctx, link, fields.pop("new_short_code"))
    if "max_clicks" in fields:
        fields["used_clicks"] = start_counting(ctx, link, fields["max_clicks"])
    if fields:
        changed = {name for name, value in fields.items() if getattr(link, name) != value}
        had_expired = has_expired(link, ctx.now)
        link.sqlmodel_update({**fields, **unverified(changed), "updated_at": ctx.now})
        link.words = make_words(link.original_url, link.short_code, link.title)
        check_mask(link)
        ctx.session.flush()
        request_checks(ctx, link, changed)
        ctx.changed_codes.add(qualify(link.domain, link.short_code))
        if EXPIRY & changed:
            expect_expiry(ctx, link, had_expired=had_expired)
        return _tell_of_change(ctx, link, changed)
    return show_link(ctx, link)


def delete_short_link(ctx: Context, ref: LinkRef) -> None:
    """Delete a short link with its QR code and its clicks. Its short URL stops working; this cannot be undone.

    To stop a link for a while, use update_short_link with `is_active` false instead.
    """
    link = find_link(ctx, ref, hold=True)
    check_version(ctx, lambda: show_link(ctx, link))
    discard_link(ctx, link.id or 0)


def _tell_of_change(ctx: Context, link: Link, changed: Collection[str]) -> LinkPublic:
    shown, events = show_link(ctx, link), [Event.LINK_UPDATED] if changed else []
    if "is_active" in changed and not link.is_active:
        events.append(Event.LINK_DISABLED)
    for event in events:
        announce(ctx, event, {"link": shown}, project_id=link.project_id, link_id=link.id)
    return shown


def _rename(ctx: Context, link: Link, wanted: str) -> str:
    code = normalize_code(wanted, "new_short_code")
    if code == link.short_code:
        return code
    claim_code(ctx, code, Kind.LINK, domain=link.domain, field="new_short_code")
    retire_code(ctx, link.short_code, link.domain)
    return code
