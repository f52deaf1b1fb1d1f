"""The first run: a workspace, a project and a token, so that there is something to begin with."""

from dataclasses import replace

from sqlmodel import select

from shortmcp.core.context import OPERATOR, Context, Scope, Work
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.projects import ProjectCreate, create_project
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import Workspace, create_workspace

FIRST_NAME = "default"
FIRST_PLAN = "unlimited"


def set_up(work: Work) -> str | None:
    """Set an empty instance up and return its first token; None, and nothing done, where it is not empty."""
    try:
        with work.begin(OPERATOR, Scope.WRITE) as ctx:
            return _fill(ctx)
    except OperationError as error:
        if error.code is not Code.CONFLICT:
            raise
        # On PostgreSQL another process that started at the same moment was faster: there is nothing left to do.
        return None


def _fill(ctx: Context) -> str | None:
    if ctx.session.exec(select(Workspace.id).limit(1)).first() is not None:
        return None
    workspace = create_workspace(ctx, FIRST_NAME, FIRST_PLAN)
    owner = replace(ctx.caller, workspace_id=workspace.id or 0)
    create_project(replace(ctx, caller=owner), ProjectCreate(name=FIRST_NAME))
    _, token = create_token(ctx, workspace.slug, "first run", Scope.WRITE)
    return token
