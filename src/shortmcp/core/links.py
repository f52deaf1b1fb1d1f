"""Short links: their fields, their rules, and the text that people and agents read about them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described
from sqlalchemy import Column, ColumnElement, Index, func
from sqlmodel import Field, SQLModel, col, select

from shortmcp.core.codes import Kind, claim_code, normalize_code, release_code
from shortmcp.core.context import Context
from shortmcp.core.destinations import MAX_DESTINATION_LENGTH, normalize_destination
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.fields import IncomingMoment, Line, Moment, OptionalLine, OutgoingMoment, Reference, Storable
from shortmcp.core.limits import check_link_limit
from shortmcp.core.lists import ListQuery, Page, make_page
from shortmcp.core.projects import Hold, find_project, only_project
from shortmcp.core.removal import discard_link
from shortmcp.core.versions import Versioned, check_version


class Link(SQLModel, table=True):
    """A short code and where it leads. `redirect_url` is the fallback while the link is disabled or expired."""

    __tablename__ = "links"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (
        Index("ix_links_workspace_id_original_url", "workspace_id", "original_url"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id", index=True)
    project_id: int = Field(foreign_key="projects.id", index=True)
    short_code: str = Field(unique=True)
    original_url: str
    title: str
    is_active: bool = True
    redirect_url: str | None = None
    expires_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(sa_column=Column(Moment, nullable=False))


Destination = Annotated[
    str,
    Storable,
    Described(max_length=MAX_DESTINATION_LENGTH, description="Where the link leads: https, http, mailto or tel."),
]
Fallback = Annotated[
    str,
    Storable,
    Described(
        max_length=MAX_DESTINATION_LENGTH, description="Where visitors go while the link is disabled or expired."
    ),
]
Title = Annotated[Line, Described(max_length=255, description="Label for your own reference.")]
ChosenCode = Annotated[
    OptionalLine,
    Described(
        max_length=255, description="Path of the short URL: a-z, 0-9, dashes; generated (6 characters) if left out."
    ),
]
Expiry = Annotated[
    IncomingMoment | None, Described(description="ISO 8601; from then on the link does not work. UTC if no offset.")
]
Active = Annotated[bool, Described(description="Whether the link works.")]
KnownUrl = Annotated[str, Storable, Described(max_length=MAX_DESTINATION_LENGTH)]


class LinkRef(BaseModel):
    """Which link: by its code, or by its destination where just one link has it."""

    model_config = ConfigDict(extra="forbid")

    short_code: Annotated[Reference | None, Described(description="Code of the link.")] = None
    original_url: Annotated[
        KnownUrl | None, Described(description="Instead of the code: the link's exact destination.")
    ] = None


class LinkList(ListQuery):
    """Which links."""

    project: Annotated[Reference | None, Described(description="Id or slug of a project: its links alone.")] = None


class LinkCreate(BaseModel):
    """What a new link is made of."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[
        Reference | None,
        Described(description="Id or slug of the owning project; may be left out where there is just one."),
    ] = None
    original_url: Destination
    title: Title
    short_code: ChosenCode | None = None
    expires_at: Expiry = None
    is_active: Active = True
    redirect_url: Fallback | None = None


class LinkUpdate(BaseModel):
    """Which link, and what to change; fields left out stay, null clears `expires_at` and `redirect_url`."""

    model_config = ConfigDict(extra="forbid")

    short_code: Annotated[Reference | None, Described(description="Present code of the link.")] = None
    current_original_url: Annotated[
        KnownUrl | None, Described(description="Instead of the code: the link's exact present destination.")
    ] = None
    original_url: Destination | None = None
    title: Title | None = None
    new_short_code: (
        Annotated[OptionalLine, Described(max_length=255, description="New code; the old short URL stops working.")]
        | None
    ) = None
    expires_at: Expiry = None
    is_active: Active | None = None
    redirect_url: Fallback | None = None


class LinkPublic(Versioned):
    """A link as its workspace sees it. `is_effectively_active` is false once it is disabled or has expired."""

    moving = frozenset({"is_effectively_active"})

    id: int
    project_id: int
    short_code: str
    short_url: str
    original_url: str
    title: str
    is_active: bool
    is_effectively_active: bool
    redirect_url: str | None
    expires_at: OutgoingMoment | None
    created_at: OutgoingMoment
    updated_at: OutgoingMoment


def list_short_links(ctx: Context, query: LinkList) -> Page[LinkPublic]:
    """List short links of the workspace or of one project, newest first.

    Use get_link_analytics for a link's clicks and get_short_link for a single one.
    """
    mine = col(Link.workspace_id) == ctx.caller.workspace_id
    if query.project is not None:
        mine &= col(Link.project_id) == find_project(ctx, query.project).id
    after = query.after()
    rows = select(Link).where(mine).order_by(col(Link.id).desc()).limit(query.per_page + 1)
    rows = rows.where(col(Link.id) < after[0]) if after else rows.offset(query.offset)
    links = list(ctx.session.exec(rows))
    last = links[query.per_page - 1].id if len(links) > query.per_page else None
    return make_page([public_link(ctx, link) for link in links], last, after[1] if after else _count(ctx, mine), query)


def get_short_link(ctx: Context, ref: LinkRef) -> LinkPublic:
    """Show one short link by its code or by its destination."""
    return public_link(ctx, find_link(ctx, ref.short_code, ref.original_url))


def create_short_link(ctx: Context, new: LinkCreate) -> LinkPublic:
    """Create a short link in a project. Returns it with its `short_url`, ready to be shared.

    Refuses a code that is taken or reserved, a destination that is not https, http, mailto or tel, and one link more
    than the plan allows. Use get_qr_code for its QR code and update_short_link to change it later.
    """
    project = only_project(ctx) if new.project is None else find_project(ctx, new.project, Hold.KEEP)
    check_link_limit(ctx, lambda: _count(ctx, col(Link.workspace_id) == ctx.caller.workspace_id))
    fields: dict[str, Any] = new.model_dump(exclude={"project", "short_code"})
    link = Link(
        **(fields | _checked_urls(ctx, new)),
        short_code=claim_code(ctx, new.short_code, Kind.LINK),
        workspace_id=ctx.caller.workspace_id,
        project_id=project.id or 0,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.session.add(link)
    ctx.session.flush()
    return public_link(ctx, link)


def update_short_link(ctx: Context, change: LinkUpdate) -> LinkPublic:
    """Change a link's destination, title, code, expiry, state or fallback. Returns the link as it is afterwards.

    Name the link by its present code or by its present destination. A printed QR code goes on working unless the code
    itself is changed.
    """
    link = find_link(ctx, change.short_code, change.current_original_url, hold=True)
    check_version(ctx, lambda: public_link(ctx, link))
    fields = change.model_dump(exclude_unset=True, exclude={"short_code", "current_original_url"})
    for field in ("original_url", "title", "is_active", "new_short_code"):
        if field in fields and fields[field] is None:
            raise invalid(field, f"`{field}` cannot be empty: leave it out to keep it.")
    fields |= _checked_urls(ctx, change)
    if "new_short_code" in fields:
        fields["short_code"] = _rename(ctx, link, fields.pop("new_short_code"))
    if fields:
        link.sqlmodel_update({**fields, "updated_at": ctx.now})
        ctx.session.add(link)
        ctx.session.flush()
        ctx.changed_codes.add(link.short_code)
    return public_link(ctx, link)


def delete_short_link(ctx: Context, ref: LinkRef) -> None:
    """Delete a short link with its QR code and its clicks. Its short URL stops working; this cannot be undone.

    To stop a link for a while, use update_short_link with `is_active` false instead.
    """
    link = find_link(ctx, ref.short_code, ref.original_url, hold=True)
    check_version(ctx, lambda: public_link(ctx, link))
    discard_link(ctx, link.id or 0)


def find_link(ctx: Context, short_code: str | None, original_url: str | None, *, hold: bool = False) -> Link:
    """The caller's link with that destination, or, where none is given, with that code. `hold` it until the end.

    NOT_FOUND where there is none, CONFLICT where several have the destination, INVALID where neither is given.
    """
    mine = select(Link).where(Link.workspace_id == ctx.caller.workspace_id)
    # On PostgreSQL another writer may change or delete it meanwhile; SQLite has one writer and no such clause.
    mine = mine.with_for_update() if hold else mine
    if original_url is None:
        if short_code is None:
            raise invalid("short_code", "`short_code` is required: send the link's code, or its destination instead.")
        found = list(ctx.session.exec(mine.where(Link.short_code == _fold(short_code))))
    else:
        found = list(ctx.session.exec(mine.where(Link.original_url == _as_stored(original_url)).limit(2)))
    if not found:
        raise OperationError(
            Code.NOT_FOUND, "There is no such short link in this workspace.", hint="list_short_links shows them all."
        )
    if len(found) > 1:
        raise OperationError(
            Code.CONFLICT, "Several short links have this destination: name the one you mean by its `short_code`."
        )
    return found[0]


def public_link(ctx: Context, link: Link) -> LinkPublic:
    """`link` as its workspace sees it at this moment."""
    works = link.is_active and (link.expires_at is None or link.expires_at > ctx.now)
    return LinkPublic(
        **link.model_dump(exclude={"workspace_id"}),
        short_url=ctx.site.short_url(link.short_code),
        is_effectively_active=works,
    )


def count_links(ctx: Context) -> int:
    """How many links the caller's workspace has."""
    return _count(ctx, col(Link.workspace_id) == ctx.caller.workspace_id)


def _count(ctx: Context, which: ColumnElement[bool]) -> int:
    return ctx.session.exec(select(func.count()).select_from(Link).where(which)).one()


def _fold(short_code: str) -> str:
    # Outside ASCII lower-casing makes letters of other signs, such as the Kelvin sign.
    return short_code.lower() if short_code.isascii() else short_code


def _as_stored(original_url: str) -> str:
    try:
        return normalize_destination("original_url", original_url, frozenset())
    except OperationError:
        # Not a destination that any link can have: as it stands it matches none.
        return original_url


def _checked_urls(ctx: Context, given: LinkCreate | LinkUpdate) -> dict[str, Any]:
    urls = {"original_url": given.original_url, "redirect_url": given.redirect_url}
    return {
        field: normalize_destination(field, url, ctx.site.own_origins) for field, url in urls.items() if url is not None
    }


def _rename(ctx: Context, link: Link, wanted: str) -> str:
    code = normalize_code(wanted, "new_short_code")
    if code == link.short_code:
        return code
    claim_code(ctx, code, Kind.LINK, "new_short_code")
    release_code(ctx, link.short_code)
    return code
