"""Who calls: the workspace, the token and what is left of the plan, for connection tests."""

from pydantic import BaseModel

from shortmcp.core.context import Context
from shortmcp.core.tokens import Token
from shortmcp.core.usage import NoInput, UsagePublic, get_usage
from shortmcp.core.workspaces import Workspace


class MyWorkspace(BaseModel):
    """The workspace that the token belongs to."""

    id: int
    name: str
    slug: str
    plan: str


class MyToken(BaseModel):
    """The token itself, without its secret; `scope` is `read` or `read_write`."""

    id: int
    name: str
    scope: str


class MePublic(BaseModel):
    """A token, its workspace, and their use of the plan."""

    workspace: MyWorkspace
    token: MyToken
    usage: UsagePublic


def get_me(ctx: Context, query: NoInput) -> MePublic:
    """Show which workspace and token this connection has, what the token may do, and get_usage's numbers.

    Works with every token: use it to test a connection.
    """
    caller = ctx.caller
    workspace = ctx.session.get_one(Workspace, caller.workspace_id)
    token = ctx.session.get_one(Token, caller.token_id)
    return MePublic(
        workspace=MyWorkspace(**workspace.model_dump(include=set(MyWorkspace.model_fields))),
        token=MyToken(**token.model_dump(include=set(MyToken.model_fields))),
        usage=get_usage(ctx, query),
    )
