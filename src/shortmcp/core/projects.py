"""Projects: named groups of short links inside a workspace."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic import Field as Described
from sqlalchemy import Column, ColumnElement, bindparam, false, func, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from shortmcp.core.addresses import check_address
from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.fields import MAX_ID, Line, Moment, OutgoingMoment, Paragraphs, Reference
from shortmcp.core.limits import check_project_limit
from shortmcp.core.lists import ListQuery, Page, make_page
from shortmcp.core.recipients import expect_recipients, forget_recipients, read_recipients
from shortmcp.core.removal import discard_links_of_project
from shortmcp.core.slugs import slugify
from shortmcp.core.versions import Versioned, check_version

MAX_RECIPIENTS = 20
# Any number that nothing else locks: PostgreSQL's advisory locks are named by one.
SLUG_LOCK = 0x5308
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Project(SQLModel, table=True):
    """A group of links; `slug` is unique in the whole instance."""

    __tablename__ = "projects"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id", index=True)
    name: str
    slug: str = Field(unique=True)
    description: str | None = None
    monthly_report_recipients: str | None = None
    weekly_report_recipients: str | None = None
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(sa_column=Column(Moment, nullable=False))


def _recipients(value: str | None) -> str | None:
    addresses = [address.strip() for address in (value or "").split(",") if address.strip()]
    if len(addresses) > MAX_RECIPIENTS:
        raise ValueError(f"may hold at most {MAX_RECIPIENTS} addresses")
    for address in addresses:
        try:
            check_address(address)
        except ValueError as error:
            raise ValueError(
                "must be e-mail addresses separated by commas, such as ann@example.com,bob@example.com"
            ) from error
    return ",".join(addresses) or None


Name = Annotated[Line, Described(max_length=255, description="Display name.")]
Slug = Annotated[
    Line,
    Described(max_length=255, description="Part of URLs: a-z, 0-9 and dashes; unique. Made from the name if left out."),
]
Description = Annotated[Paragraphs, Described(max_length=1000, description="Free text.")]
Recipients = Annotated[
    Annotated[str, Described(max_length=5000)] | None,
    AfterValidator(_recipients),
    Described(
        description="E-mail addresses, separated by commas; at most 20. Each gets a mail and has to confirm first."
    ),
]


class ProjectRef(BaseModel):
    """Which project."""

    model_config = ConfigDict(extra="forbid")

    project: Annotated[Reference, Described(description="Id or slug of the project.")]


class ProjectCreate(BaseModel):
    """What a new project is made of."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    slug: Slug | None = None
    description: Description | None = None
    monthly_report_recipients: Recipients = None
    weekly_report_recipients: Recipients = None


class ProjectUpdate(ProjectRef):
    """What to change; fields that are left out stay as they are, null clears those that may be empty."""

    name: Name | None = None
    slug: Slug | None = None
    description: Description | None = None
    monthly_report_recipients: Recipients = None
    weekly_report_recipients: Recipients = None


class ProjectPublic(Versioned):
    """A project as its workspace sees it."""

    moving = frozenset({"short_links_count"})

    id: int
    name: str
    slug: str
    description: str | None
    monthly_report_recipients: str | None
    weekly_report_recipients: str | None
    short_links_count: int
    created_at: OutgoingMoment
    updated_at: OutgoingMoment


# Made once: to make a statement takes as long as to run it.
_TWO_HELD = (
    select(col(Project.id))
    .where(Project.workspace_id == bindparam("workspace"))
    .limit(2)
    .with_for_update(read=True, key_share=True)
)


class Hold(StrEnum):
    """How long a found project stays as it is: until the transaction ends, nobody else may delete or change it."""

    KEEP = "keep"
    CHANGE = "change"


def list_projects(ctx: Context, query: ListQuery) -> Page[ProjectPublic]:
    """List the workspace's projects, oldest first, each with its number of short links.

    Use list_short_links for the links themselves and get_workspace_analytics for their clicks.
    """
    mine = col(Project.workspace_id) == ctx.caller.workspace_id
    after = query.after()
    total = after[1] if after else ctx.session.exec(select(func.count()).select_from(Project).where(mine)).one()
    rows = select(Project).where(mine).order_by(col(Project.id)).limit(query.per_page + 1)
    rows = rows.where(col(Project.id) > after[0]) if after else rows.offset(query.offset)
    projects = list(ctx.session.exec(rows))
    links = _count_links(ctx, projects)
    last = projects[query.per_page - 1].id if len(projects) > query.per_page else None
    return make_page([_public(project, links) for project in projects], last, total, query)


def get_project(ctx: Context, ref: ProjectRef) -> ProjectPublic:
    """Show one project by id or slug."""
    return _show(ctx, find_project(ctx, ref.project))


def create_project(ctx: Context, new: ProjectCreate) -> ProjectPublic:
    """Create a project, a group for short links. Returns it with its id and slug.

    Refuses a slug that is taken, and one project more than the plan allows.
    """
    check_project_limit(ctx, lambda: count_projects(ctx))
    fields = new.model_dump(exclude={"slug"})
    slug = _free_slug(ctx, new.name) if new.slug is None else _checked_slug(ctx, new.slug)
    project = Project(**fields, slug=slug, workspace_id=ctx.caller.workspace_id, created_at=ctx.now, updated_at=ctx.now)
    ctx.session.add(project)
    ctx.session.flush()
    _ask_recipients(ctx, project, fields)
    return _show(ctx, project)


def update_project(ctx: Context, change: ProjectUpdate) -> ProjectPublic:
    """Change a project's name, slug, description or report recipients. Returns the project as it is afterwards."""
    project = find_project(ctx, change.project, Hold.CHANGE)
    check_version(ctx, lambda: _show(ctx, project))
    fields = change.model_dump(exclude_unset=True, exclude={"project"})
    for field in ("name", "slug"):
        if field in fields and fields[field] is None:
            raise invalid(field, f"`{field}` cannot be empty: leave it out to keep it.")
    if "slug" in fields and fields["slug"] != project.slug:
        fields["slug"] = _checked_slug(ctx, fields["slug"], keeps=project.slug)
    if fields:
        project.sqlmodel_update({**fields, "updated_at": ctx.now})
        ctx.session.add(project)
        ctx.session.flush()
        _ask_recipients(ctx, project, fields)
    return _show(ctx, project)


def delete_project(ctx: Context, ref: ProjectRef) -> None:
    """Delete a project with all its short links, their QR codes and their clicks. This cannot be undone."""
    project = find_project(ctx, ref.project, Hold.CHANGE)
    check_version(ctx, lambda: _show(ctx, project))
    discard_links_of_project(ctx, project.id or 0)
    forget_recipients(ctx.session.connection(), project.id or 0)
    ctx.session.delete(project)


def find_project(ctx: Context, reference: str, hold: Hold | None = None) -> Project:
    """The caller's project with that id or slug, or NOT_FOUND."""
    mine = select(Project).where(Project.workspace_id == ctx.caller.workspace_id)
    project = ctx.session.exec(_held(mine.where(named(reference)), hold)).first()
    if project is None:
        raise OperationError(
            Code.NOT_FOUND, "There is no such project in this workspace.", hint="list_projects shows them all."
        )
    return project


def only_project(ctx: Context) -> int:
    """The id of the project of a workspace that has just one, held; otherwise the caller must say which."""
    found = ctx.session.connection().execute(_TWO_HELD, {"workspace": ctx.caller.workspace_id}).scalars().all()
    if len(found) != 1:
        many = "several projects" if found else "no project yet"
        raise invalid("project", f"`project` is required, as the workspace has {many}: send a project's id or slug.")
    return found[0] or 0


def count_projects(ctx: Context) -> int:
    """How many projects the caller's workspace has."""
    mine = col(Project.workspace_id) == ctx.caller.workspace_id
    return ctx.session.exec(select(func.count()).select_from(Project).where(mine)).one()


def _held(query: SelectOfScalar[Project], hold: Hold | None) -> SelectOfScalar[Project]:
    # On PostgreSQL writers run at once; SQLite has one writer and no such clause.
    if hold is None:
        return query
    return query.with_for_update(read=hold is Hold.KEEP, key_share=hold is Hold.KEEP)


def named(reference: str) -> ColumnElement[bool]:
    """Whether a project has that id or slug, in whatever workspace."""
    # Digits alone are an id: a slug is never made of digits alone.
    if reference.isascii() and reference.isdigit():
        return col(Project.id) == int(reference) if int(reference) <= MAX_ID else false()
    # Outside ASCII lower-casing makes letters of other signs, such as the Kelvin sign.
    return col(Project.slug) == (reference.lower() if reference.isascii() else reference)


def _checked_slug(ctx: Context, raw: str, keeps: str | None = None) -> str:
    slug = slugify(raw) if raw.isascii() else ""
    if not _SLUG.fullmatch(slug) or slug.isdigit():
        raise invalid("slug", "`slug` must hold letters from a to z, may hold digits, and dashes between them.")
    if slug != keeps and not _is_free(ctx, slug):
        raise invalid("slug", "`slug` is already taken: choose another one.")
    return slug


def _free_slug(ctx: Context, name: str) -> str:
    slug = slugify(name)[:240].strip("-")
    base = slug if slug and not slug.isdigit() else f"project-{slug}".strip("-")
    slug = base
    while not _is_free(ctx, slug):
        slug = f"{base}-{ctx.random.randrange(16**4):04x}"
    return slug


def _is_free(ctx: Context, slug: str) -> bool:
    # PostgreSQL lets two transactions look at once: the later one waits here until the first one's slug can be seen.
    if ctx.session.get_bind().dialect.name == "postgresql":
        ctx.session.connection().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SLUG_LOCK})
    return ctx.session.exec(select(Project.id).where(Project.slug == slug)).first() is None


def _ask_recipients(ctx: Context, project: Project, given: Mapping[str, str | None]) -> None:
    addresses = read_recipients(given.get("monthly_report_recipients"), given.get("weekly_report_recipients"))
    expect_recipients(ctx.session.connection(), project.workspace_id, project.id or 0, addresses, ctx.now)


def _show(ctx: Context, project: Project) -> ProjectPublic:
    return _public(project, _count_links(ctx, [project]))


def _public(project: Project, links: Mapping[int, int]) -> ProjectPublic:
    return ProjectPublic(**project.model_dump(), short_links_count=links.get(project.id or 0, 0))


def _count_links(ctx: Context, projects: list[Project]) -> Mapping[int, int]:
    query = text("SELECT project_id, sum(links) AS links FROM link_counts WHERE project_id IN :projects GROUP BY 1")
    rows = ctx.session.connection().execute(
        query.bindparams(bindparam("projects", expanding=True)), {"projects": [project.id for project in projects]}
    )
    return {row.project_id: int(row.links) for row in rows}
