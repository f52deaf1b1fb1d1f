"""What is looked at from outside once a link leads somewhere new: its destinations, and the page behind its mask."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Column, Connection, text
from sqlmodel import Field, SQLModel

from shortmcp.core.context import Context
from shortmcp.core.fields import Moment, to_microseconds
from shortmcp.core.jobs import enqueue
from shortmcp.core.links.tables import Link

CHECK_DESTINATION: Final = "check_destination"
CHECK_MASK: Final = "check_mask"
# Every link is looked at again after so long.
ROUND: Final = timedelta(hours=24)
_DESTINATIONS = frozenset({"original_url", "redirect_url"})
_MASK = frozenset({"original_url", "mask", "notify_on_mask_break"})


class Safety(StrEnum):
    """What is known of where a link leads. Whatever keeps a provider from answering leaves it unchecked."""

    UNCHECKED = "unchecked"
    SAFE = "safe"
    UNSAFE = "unsafe"


class LinkCheck(SQLModel, table=True):
    """When all providers were last asked about a link's destinations, and when it is looked at again.

    `provider` is the one that calls them unsafe.
    """

    __tablename__ = "link_checks"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    link_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    provider: str | None = None
    checked_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    next_check_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))


class MaskCheck(SQLModel, table=True):
    """A masked link whose owner wants to know when its page forbids frames; since when it has, and the next look."""

    __tablename__ = "mask_checks"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    link_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    broken_since: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    next_check_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))


def unverified(changed: Collection[str]) -> Mapping[str, Any]:
    """The fields that a link loses with the destinations that a verdict was about, where one of them changes."""
    return {"blocked_at": None, "safety": Safety.UNCHECKED.value} if _DESTINATIONS & set(changed) else {}


def request_checks(ctx: Context, link: Link, changed: Collection[str], *, is_new: bool = False) -> None:
    """Have a link looked at after this transaction, as far as what `changed` in it asks for that."""
    connection, link_id = ctx.session.connection(), link.id or 0
    values = {"link": link_id, "next": to_microseconds(ctx.now + ROUND)}
    if _DESTINATIONS & set(changed):
        connection.execute(_EXPECT_CHECK, values)
        _request(ctx, CHECK_DESTINATION, link_id, digest_of(link.original_url, link.redirect_url), link.workspace_id)
    if not _MASK & set(changed):
        return
    if not is_new:
        connection.execute(_FORGET_MASK, values)
    if link.mask and link.notify_on_mask_break:
        connection.execute(_EXPECT_MASK, values)
        _request(ctx, CHECK_MASK, link_id, digest_of(link.original_url), link.workspace_id)


def digest_of(*urls: str | None) -> str:
    """Tells whether a link still has the URLs that were looked at."""
    return sha256("\n".join(url or "" for url in urls).encode()).hexdigest()[:32]


def expect_again(connection: Connection, table: str, link_ids: Collection[int], now: datetime) -> None:
    """Have links looked at a round later; `table` is one of the two above, never text from outside."""
    if link_ids:
        change = f"UPDATE {table} SET next_check_at = :next WHERE link_id = :link"  # noqa: S608
        later = to_microseconds(now + ROUND)
        connection.execute(text(change), [{"link": link_id, "next": later} for link_id in sorted(link_ids)])


def _request(ctx: Context, kind: str, link_id: int, digest: str, workspace_id: int) -> None:
    # With the moment: a job that is about to end has not seen a destination that was changed to and fro since.
    key = f"{kind} {link_id} {digest} {to_microseconds(ctx.now)}"
    payload = {"link": link_id, "digest": digest}
    enqueue(ctx.session.connection(), kind, payload, ctx.now, dedupe_key=key, workspace_id=workspace_id)


_FORGET_MASK = text("DELETE FROM mask_checks WHERE link_id = :link")
_EXPECT_MASK = text("INSERT INTO mask_checks (link_id, next_check_at) VALUES (:link, :next)")
_EXPECT_CHECK = text(
    "INSERT INTO link_checks (link_id, next_check_at) VALUES (:link, :next) "
    "ON CONFLICT (link_id) DO UPDATE SET provider = NULL, checked_at = NULL, next_check_at = excluded.next_check_at"
)
