"""Deleting links: at once for their visitors, in bounded steps for their clicks."""

from sqlalchemy import text
from sqlmodel import Field, SQLModel

from shortmcp.core.context import Context
from shortmcp.core.domains import qualify
from shortmcp.core.fields import to_microseconds


class LinkPurge(SQLModel, table=True):
    """A deleted link whose clicks and counts still have to go; the worker takes them away in steps."""

    __tablename__ = "link_purges"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    link_id: int = Field(primary_key=True)


def discard_link(ctx: Context, link_id: int) -> None:
    """Delete one link of the caller's workspace."""
    _discard(ctx, "id = :id AND workspace_id = :workspace", {"id": link_id})


def discard_links_of_project(ctx: Context, project_id: int) -> None:
    """Delete every link of a project of the caller's workspace."""
    _discard(ctx, "project_id = :project AND workspace_id = :workspace", {"project": project_id})
    values = {"project": project_id, "now": to_microseconds(ctx.now)}
    ctx.session.connection().execute(text(f"{_SWITCH_OFF} project_id = :project"), values)


# Webhooks that are told of nothing else: without their filter they would be told of everything.
_SWITCH_OFF = (
    "UPDATE webhooks SET is_active = false, disabled_reason = 'filter_deleted', updated_at = :now WHERE is_active AND"
)


def _discard(ctx: Context, which: str, parameters: dict[str, int]) -> None:
    # `which` is one of the two conditions above, never text from outside.
    values = {**parameters, "workspace": ctx.caller.workspace_id, "now": to_microseconds(ctx.now)}
    # Links before codes, as a rename locks them: on PostgreSQL two writers would wait for each other otherwise.
    lock = " FOR UPDATE" if ctx.session.get_bind().dialect.name == "postgresql" else ""
    names = f"SELECT domain, short_code FROM links WHERE {which}"  # noqa: S608
    found = ctx.session.connection().execute(text(names + lock), values)
    ctx.changed_codes.update(qualify(domain, code) for domain, code in found)
    for statement in (
        "UPDATE short_codes SET released_at = :now WHERE (domain, code) IN ({names})",
        "INSERT INTO link_purges (link_id) SELECT id FROM links WHERE {which}",
        "DELETE FROM link_checks WHERE link_id IN (SELECT id FROM links WHERE {which})",
        "DELETE FROM mask_checks WHERE link_id IN (SELECT id FROM links WHERE {which})",
        "DELETE FROM link_expiries WHERE link_id IN (SELECT id FROM links WHERE {which})",
        f"{_SWITCH_OFF} link_id IN (SELECT id FROM links WHERE {{which}})",  # noqa: S608 - the words above
        "DELETE FROM links WHERE {which}",
    ):
        ctx.session.connection().execute(text(statement.format(which=which, names=names)), values)
