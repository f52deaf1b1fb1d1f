"""Who gets a project's reports, as whoever runs the instance sees it."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlmodel import col, select

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.projects import Project, named
from shortmcp.core.recipients import ReportContact, ReportOptOut, read_recipients
from shortmcp.core.workspaces import Workspace


class AudienceState(StrEnum):
    """`waiting`: not asked yet. `refused`: the mail server of the address does not take mail for it."""

    WAITING = "waiting"
    INVITED = "invited"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    STOPPED = "stopped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Listener:
    """One recipient of a project's reports."""

    address: str
    weekly: bool
    monthly: bool
    state: AudienceState


@dataclass(frozen=True, slots=True)
class Audience:
    """How many projects have recipients, and how these have answered."""

    projects: int
    confirmed: int
    invited: int
    refused: int


def find_any_project(ctx: Context, reference: str) -> tuple[Project, Workspace]:
    """The project of that id or slug, of whatever workspace, with its workspace; NOT_FOUND where there is none."""
    found = ctx.session.exec(select(Project).where(named(reference))).first()
    workspace = None if found is None else ctx.session.get(Workspace, found.workspace_id)
    if found is not None and workspace is not None:
        return found, workspace
    raise OperationError(Code.NOT_FOUND, "There is no project with that id or slug.")


def list_audience(ctx: Context, project: Project) -> list[Listener]:
    """A project's recipients, in the order in which they are written."""
    weekly, monthly = (
        read_recipients(field) for field in (project.weekly_report_recipients, project.monthly_report_recipients)
    )
    listed = list(dict.fromkeys([*weekly, *monthly]))
    query = select(ReportContact).where(
        col(ReportContact.workspace_id) == project.workspace_id, col(ReportContact.address).in_(listed)
    )
    known = {contact.address: contact for contact in ctx.session.exec(query)}
    stopped = set(ctx.session.exec(select(ReportOptOut.contact_id).where(ReportOptOut.project_id == project.id)))
    return [
        Listener(address, address in weekly, address in monthly, _state(known.get(address), stopped))
        for address in listed
    ]


def count_audience(connection: Connection) -> Audience:
    """How many recipients the instance has."""
    projects: int = connection.execute(_PROJECTS).scalar_one()
    return Audience(projects, *connection.execute(_CONTACTS).one())


def _state(contact: ReportContact | None, stopped: set[int]) -> AudienceState:
    if contact is None:
        return AudienceState.WAITING
    if contact.declined_at is not None:
        return AudienceState.DECLINED
    if contact.refused_at is not None:
        return AudienceState.REFUSED
    if contact.confirmed_at is None:
        return AudienceState.WAITING if contact.invited_at is None else AudienceState.INVITED
    return AudienceState.STOPPED if contact.id in stopped else AudienceState.CONFIRMED


_PROJECTS = text(
    "SELECT count(*) FROM projects WHERE weekly_report_recipients IS NOT NULL OR monthly_report_recipients IS NOT NULL"
)
_CONTACTS = text(
    "SELECT count(*) FILTER (WHERE confirmed_at IS NOT NULL AND refused_at IS NULL), "
    "count(*) FILTER (WHERE confirmed_at IS NULL AND declined_at IS NULL AND invited_at IS NOT NULL "
    "AND refused_at IS NULL), count(*) FILTER (WHERE refused_at IS NOT NULL) FROM report_contacts"
)
