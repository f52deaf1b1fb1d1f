"""Workspaces: the tenants that own everything else."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel, select

from shortmcp.core.addresses import check_address
from shortmcp.core.context import CALLERS, Context
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.fields import Moment
from shortmcp.core.slugs import slugify


class Workspace(SQLModel, table=True):
    """A tenant. A suspended one answers no API call; its links go on redirecting. Its owner gets mail, if any."""

    __tablename__ = "workspaces"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str
    slug: str = Field(unique=True)
    plan: str
    suspended_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    owner_email: str | None = None


def create_workspace(ctx: Context, name: str, plan: str, owner_email: str = "") -> Workspace:
    """A new workspace; its slug is made from `name`. Refuses an unknown plan, a slug that is taken, a bad address."""
    slug = slugify(name)
    if not slug:
        raise invalid("name", "`NAME` must hold a letter from a to z or a digit: the workspace's slug is made from it.")
    _check_plan(ctx, plan)
    if ctx.session.exec(select(Workspace).where(Workspace.slug == slug)).first():
        raise OperationError(
            Code.CONFLICT, f"A workspace with the slug `{slug}` exists already: choose another name.", field="name"
        )
    owner = _checked_owner(owner_email)
    workspace = Workspace(name=name.strip(), slug=slug, plan=plan, created_at=ctx.now, owner_email=owner)
    ctx.session.add(workspace)
    ctx.session.flush()
    return workspace


def list_workspaces(ctx: Context) -> list[Workspace]:
    """All workspaces, oldest first."""
    return list(ctx.session.exec(select(Workspace).order_by(Workspace.id)))  # pyright: ignore[reportArgumentType]


def find_workspace(ctx: Context, slug: str) -> Workspace:
    """The workspace with that slug, or NOT_FOUND."""
    workspace = ctx.session.exec(select(Workspace).where(Workspace.slug == slug)).first()
    if workspace is None:
        raise OperationError(
            Code.NOT_FOUND, "There is no workspace with that slug; `shortmcp workspace list` shows them all."
        )
    return workspace


def set_plan(ctx: Context, slug: str, plan: str) -> Workspace:
    """Move a workspace to another plan."""
    _check_plan(ctx, plan)
    workspace = find_workspace(ctx, slug)
    workspace.plan = plan
    ctx.session.add(workspace)
    ctx.changed_codes.add(CALLERS)
    return workspace


def set_owner_email(ctx: Context, slug: str, owner_email: str) -> Workspace:
    """Set the address that gets a workspace's mail; an empty one takes it away."""
    address = _checked_owner(owner_email)
    workspace = find_workspace(ctx, slug)
    workspace.owner_email = address
    ctx.session.add(workspace)
    return workspace


def suspend_workspace(ctx: Context, slug: str, *, suspended: bool) -> Workspace:
    """Suspend a workspace, or resume it."""
    workspace = find_workspace(ctx, slug)
    workspace.suspended_at = ctx.now if suspended else None
    ctx.session.add(workspace)
    ctx.changed_codes.add(CALLERS)
    return workspace


def _checked_owner(address: str) -> str | None:
    try:
        return check_address(address) if address else None
    except ValueError:
        raise invalid("email", "`EMAIL` must be one e-mail address, such as ann@example.com.") from None


def _check_plan(ctx: Context, plan: str) -> None:
    if plan not in ctx.site.plans:
        raise invalid("plan", f"There is no such plan: choose one of {', '.join(ctx.site.plans)}.")
