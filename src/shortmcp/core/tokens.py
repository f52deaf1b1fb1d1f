"""Tokens: `ID|secret`, shown once, stored as a digest, dead on the request after their revocation."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, text
from sqlmodel import Field, SQLModel, select

from shortmcp.core.context import CALLERS, Caller, Context, Scope, Site
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.fields import MAX_ID, Moment
from shortmcp.core.workspaces import Workspace, find_workspace

SECRET_BYTES = 32
MAX_PRESENTED = 256
# The id of a row, not a number that a person typed: no sign, no leading zeros, no other digits than ASCII's.
_ID = re.compile("[1-9][0-9]{0,18}")
_FIND = text(
    "SELECT tokens.id, workspace_id, scope, digest, revoked_at, plan, suspended_at"
    " FROM tokens JOIN workspaces ON workspaces.id = workspace_id WHERE tokens.id = :id"
)
_FIND_WORKSPACE = text(
    "SELECT 0 AS id, id AS workspace_id, CAST(:scope AS VARCHAR) AS scope, plan, suspended_at"
    " FROM workspaces WHERE slug = :slug"
)
# Compared against where no such token exists, so that an unknown id takes as long as a known one.
_NO_DIGEST = hashlib.sha256(b"").hexdigest()


class Token(SQLModel, table=True):
    """One credential of one workspace; `digest` is the SHA-256 of its secret in hex."""

    __tablename__ = "tokens"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id", index=True)
    name: str
    scope: str
    digest: str
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))


def create_token(ctx: Context, workspace_slug: str, name: str, scope: Scope) -> tuple[Token, str]:
    """A new token of a workspace, and the text that its holder sends: the only time it can be seen."""
    workspace = find_workspace(ctx, workspace_slug)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    token = Token(
        workspace_id=workspace.id or 0, name=name, scope=scope.value, digest=_digest(secret), created_at=ctx.now
    )
    ctx.session.add(token)
    ctx.session.flush()
    return token, f"{token.id}|{secret}"


def list_tokens(ctx: Context) -> list[tuple[Token, Workspace]]:
    """Every token with its workspace, oldest first; secrets are not kept and cannot be listed."""
    query = select(Token, Workspace).where(Token.workspace_id == Workspace.id).order_by(Token.id)  # pyright: ignore[reportArgumentType]
    return list(ctx.session.exec(query))


def revoke_token(ctx: Context, token_id: int) -> Token:
    """Make a token useless from the next request on."""
    token = ctx.session.get(Token, token_id)
    if token is None:
        raise invalid("id", "There is no token with that id; `shortmcp token list` shows them all.")
    token.revoked_at = token.revoked_at or ctx.now
    ctx.session.add(token)
    ctx.changed_codes.add(CALLERS)
    return token


def authenticate(connection: Connection, site: Site, presented: str) -> Caller:
    """Who holds `presented`, the text after `Bearer `.

    Raises UNAUTHENTICATED for anything but a live token, FORBIDDEN where the workspace is suspended or its plan has
    no API.
    """
    identifier, _, secret = presented.partition("|")
    known = _ID.fullmatch(identifier) and len(presented) <= MAX_PRESENTED
    row = connection.execute(_FIND, {"id": int(identifier)}).first() if known and int(identifier) <= MAX_ID else None
    digest = _NO_DIGEST if row is None else row.digest
    if not hmac.compare_digest(digest, _digest(secret)) or row is None or row.revoked_at is not None:
        raise OperationError(
            Code.UNAUTHENTICATED, "The token is missing or not valid: send `Authorization: Bearer ID|SECRET`."
        )
    return _admit(site, row)


def act_for(connection: Connection, site: Site, workspace_slug: str) -> Caller:
    """Whoever makes something in a workspace without a token of it; UNAUTHENTICATED where there is no such workspace.

    All of them together have the token id 0.
    """
    row = connection.execute(_FIND_WORKSPACE, {"slug": workspace_slug, "scope": Scope.WRITE.value}).first()
    if row is None:
        raise OperationError(Code.UNAUTHENTICATED, "Nothing can be made here without a token: send one.")
    return _admit(site, row)


def _admit(site: Site, row: Row[Any]) -> Caller:
    if row.suspended_at is not None:
        raise OperationError(
            Code.FORBIDDEN, "This workspace is suspended: its links go on working, its API does not. Ask its operator."
        )
    plan = site.plans.get(row.plan)
    if plan is None or not plan.api:
        raise OperationError(
            Code.FORBIDDEN, "The plan of this workspace has no API access: move it to a plan that has."
        )
    return Caller(workspace_id=row.workspace_id, token_id=row.id, scope=Scope(row.scope), plan=plan)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
