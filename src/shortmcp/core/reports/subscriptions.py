"""A recipient's yes or no: what the pages behind the addresses in mails show and do."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described
from sqlalchemy import text
from sqlmodel import col, select

from shortmcp.core.addresses import hint_address
from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.fields import MAX_ID
from shortmcp.core.projects import Project
from shortmcp.core.recipients import ReportContact, ReportOptOut
from shortmcp.core.workspaces import Workspace

Id = Annotated[int, Described(ge=1, le=MAX_ID)]


class SubscriptionRef(BaseModel):
    """Whom and which project's reports an address in a mail is about."""

    model_config = ConfigDict(extra="forbid")

    contact: Id
    project: Id


class Unsubscription(SubscriptionRef):
    """What somebody has had enough of: a project's reports, or all that the workspace sends."""

    everything: bool = False


class SubscriptionPublic(BaseModel):
    """What a recipient is told. `address` is shortened; `project` is None where there is none of that number."""

    address: str
    workspace: str
    project: str | None
    confirmed: bool
    stopped: bool


def show_subscription(ctx: Context, ref: SubscriptionRef) -> SubscriptionPublic:
    """Show a recipient what their answer would be about; NOT_FOUND where nobody was asked."""
    return _show(ctx, _find(ctx, ref, hold=False), ref.project)


def confirm_reports(ctx: Context, ref: SubscriptionRef) -> SubscriptionPublic:
    """Send a recipient the reports of the workspace from now on; a later yes takes an earlier no back."""
    contact = _find(ctx, ref, hold=True)
    if not contact.gets_reports:
        contact.sqlmodel_update({"confirmed_at": ctx.now, "declined_at": None, "refused_at": None})
        ctx.session.add(contact)
    ctx.session.connection().execute(_OPT_IN, {"contact": contact.id})
    return _show(ctx, contact, ref.project)


def unsubscribe(ctx: Context, ref: Unsubscription) -> SubscriptionPublic:
    """Send a recipient no more reports of a project, or nothing from the workspace ever again.

    Who has not said yes yet says no to the workspace by this.
    """
    contact = _find(ctx, ref, hold=True)
    if ref.everything or contact.confirmed_at is None:
        if contact.declined_at is None:
            contact.sqlmodel_update({"confirmed_at": None, "declined_at": ctx.now})
            ctx.session.add(contact)
    else:
        ctx.session.connection().execute(_OPT_OUT, {"contact": contact.id, "project": ref.project})
    return _show(ctx, contact, ref.project)


def _find(ctx: Context, ref: SubscriptionRef, *, hold: bool) -> ReportContact:
    query = select(ReportContact).where(col(ReportContact.id) == ref.contact)
    contact = ctx.session.exec(query.with_for_update() if hold else query).first()
    if contact is None:
        raise OperationError(Code.NOT_FOUND, "There is no such recipient.")
    return contact


def _show(ctx: Context, contact: ReportContact, project_id: int) -> SubscriptionPublic:
    workspace = ctx.session.get(Workspace, contact.workspace_id)
    mine = select(Project).where(Project.workspace_id == contact.workspace_id, Project.id == project_id)
    project = ctx.session.exec(mine).first()
    opted_out = ctx.session.get(ReportOptOut, (contact.id, project_id))
    return SubscriptionPublic(
        address=hint_address(contact.address),
        workspace="" if workspace is None else workspace.name,
        project=None if project is None else project.slug,
        confirmed=contact.gets_reports,
        stopped=contact.declined_at is not None or opted_out is not None,
    )


_OPT_IN = text("DELETE FROM report_opt_outs WHERE contact_id = :contact")
_OPT_OUT = text(
    "INSERT INTO report_opt_outs (contact_id, project_id) SELECT :contact, id FROM projects WHERE id = :project "
    "ON CONFLICT (contact_id, project_id) DO NOTHING"
)
