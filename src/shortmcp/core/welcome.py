"""The first run: a workspace, a project and a token, so that there is something to begin with."""

from dataclasses import replace

from sqlmodel import select

from shortmcp.core.context import Context, Scope
from shortmcp.core.projects import ProjectCreate, create_project
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import Workspace, create_workspace

FIRST_NAME = "default"
FIRST_PLAN = "unlimited"


def set_up(ctx: Context) -> str | None:
    """Set an empty instance up and return its first token; None, and nothing done, where it is not empty."""
    if ctx.session.exec(select(Workspace.id).limit(1)).first() is not None:
        return None
    workspace = create_workspace(ctx, FIRST_NAME, FIRST_PLAN)
    owner = replace(ctx.caller, workspace_id=workspace.id or 0)
    create_project(replace(ctx, caller=owner), ProjectCreate(name=FIRST_NAME))
    _, token = create_token(ctx, workspace.slug, "first run", Scope.WRITE)
    return token
