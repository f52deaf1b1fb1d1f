"""Short codes: on each domain one namespace for links, secrets and reservations; a used one stays its workspace's."""

import re
from datetime import datetime
from enum import StrEnum
from random import Random

from sqlalchemy import Column, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shortmcp.core.context import Context
from shortmcp.core.domains import OWN, qualify
from shortmcp.core.errors import OperationError, invalid
from shortmcp.core.fields import Moment, to_microseconds
from shortmcp.core.slugs import normalize_words

MAX_LENGTH = 64
GENERATED_LENGTH = 6
# 128 bits, for what must not be found by trying codes.
UNGUESSABLE_LENGTH = 26
# Without 0 o 1 l i: people read codes aloud and type them from paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RESERVED = frozenset(
    (
        *("admin", "api", "app", "assets", "authorize", "compat", "dashboard", "docs", "favicon", "healthz", "help"),
        *("login", "logout", "mcp", "metrics", "p", "paste", "qr", "readyz", "register", "reports"),
        *("revoke", "robots", "s"),
        *("signup", "static", "stats", "status", "token", "well-known", "www"),
    )
)
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Kind(StrEnum):
    """What a code leads to."""

    LINK = "link"
    RESERVED = "reserved"
    SECRET = "secret"  # noqa: S105 - the kind, not one of them


class ShortCode(SQLModel, table=True):
    """Who holds a code. After deletion the row stays (`released_at`), so that no other workspace gets the code."""

    __tablename__ = "short_codes"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    domain: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    workspace_id: int = Field(index=True)
    kind: str
    released_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))


class ReservedCode(SQLModel, table=True):
    """A code that leads nowhere yet; the row goes when something is made of it."""

    __tablename__ = "reserved_codes"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (UniqueConstraint("domain", "code"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id", index=True)
    domain: str
    code: str
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))


def normalize_code(raw: str, field: str = "short_code") -> str:
    """The one form of a code that a person chose: lower case, dashes for spaces and underscores."""
    # Before lower-casing: some letters outside ASCII, such as the Kelvin sign, become ASCII by it.
    code = normalize_words(raw) if raw.isascii() else ""
    if not _CODE.fullmatch(code):
        raise invalid(field, f"`{field}` may hold only the letters a to z, digits and dashes between them.")
    if len(code) > MAX_LENGTH:
        raise invalid(field, f"`{field}` may be at most {MAX_LENGTH} characters long.")
    if code in RESERVED:
        raise invalid(field, f"`{field}` is a reserved word: choose another code.")
    return code


def claim_code(
    ctx: Context,
    wanted: str | None,
    kind: Kind,
    *,
    domain: str = OWN,
    field: str = "short_code",
    length: int = GENERATED_LENGTH,
) -> str:
    """Take `wanted` for the caller's workspace, or a generated code of that `length` where it is None."""
    if wanted is not None:
        code = normalize_code(wanted, field)
        if not _take(ctx, domain, code, kind):
            raise taken(field)
        if kind is not Kind.RESERVED:
            _end_reservation(ctx, domain, code)
        return code
    while not _take(ctx, domain, code := _generate(ctx.random, length), kind):
        pass
    return code


def retire_code(ctx: Context, code: str, domain: str = OWN) -> None:
    """Leave the code to nobody but its own workspace, which may take it again."""
    ctx.session.connection().execute(
        text(
            "UPDATE short_codes SET released_at = :now "
            "WHERE domain = :domain AND code = :code AND workspace_id = :workspace"
        ),
        {"now": to_microseconds(ctx.now), "domain": domain, "code": code, "workspace": ctx.caller.workspace_id},
    )
    ctx.changed_codes.add(qualify(domain, code))


def count_codes(ctx: Context) -> int:
    """How many links, reserved codes and secrets that can still be opened the caller's workspace has."""
    mine = "workspace_id = :workspace AND released_at IS NULL AND kind IN ('link', 'reserved', 'secret')"
    counted = text(f"SELECT count(*) FROM short_codes WHERE {mine}")  # noqa: S608 - the words above
    return ctx.session.connection().execute(counted, {"workspace": ctx.caller.workspace_id}).scalar_one()


def taken(field: str) -> OperationError:
    """The refusal of a code that something else holds, in any workspace."""
    return invalid(field, "This short code is already taken.")


def _take(ctx: Context, domain: str, code: str, kind: Kind) -> bool:
    # One statement decides, so that two who want the same code at once cannot both get it.
    taken_row = (
        ctx.session.connection()
        .execute(
            text(
                "INSERT INTO short_codes (domain, code, workspace_id, kind) VALUES (:domain, :code, :workspace, :kind) "
                "ON CONFLICT (domain, code) DO UPDATE SET released_at = NULL, kind = excluded.kind "
                "WHERE short_codes.workspace_id = excluded.workspace_id AND (short_codes.released_at IS NOT NULL "
                "OR short_codes.kind = 'reserved' AND excluded.kind <> 'reserved') RETURNING code"
            ),
            {"domain": domain, "code": code, "workspace": ctx.caller.workspace_id, "kind": kind.value},
        )
        .first()
    )
    if taken_row is not None:
        ctx.changed_codes.add(qualify(domain, code))
    return taken_row is not None


def _end_reservation(ctx: Context, domain: str, code: str) -> None:
    ctx.session.connection().execute(
        text("DELETE FROM reserved_codes WHERE domain = :domain AND code = :code"), {"domain": domain, "code": code}
    )


def _generate(random: Random, length: int) -> str:
    while (code := "".join(random.choices(ALPHABET, k=length))) in RESERVED:
        pass
    return code
