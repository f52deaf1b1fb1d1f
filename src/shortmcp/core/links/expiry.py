"""Links that come to their end: told once, when their time or their clicks run out, whoever is down meanwhile."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Connection, text
from sqlmodel import Field, SQLModel, col, select

from shortmcp.core.context import OPERATOR, Context, Scope, Work
from shortmcp.core.events.announcing import Event, announce
from shortmcp.core.fields import to_microseconds
from shortmcp.core.links.public import show_link
from shortmcp.core.links.tables import Link

# What decides about a link's end.
EXPIRY: Final = frozenset({"expires_at", "max_clicks", "used_clicks"})
STEP: Final = 100
Read = Callable[[], AbstractContextManager[Connection]]


class LinkExpiry(SQLModel, table=True):
    """A link whose end has not been told yet. `due_at` is when its time runs out, in microseconds since 1970.

    It is 0 where its clicks have run out: the visit that uses the last one up writes it (`clicks/caps.py`).
    """

    __tablename__ = "link_expiries"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    link_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    due_at: int = Field(sa_type=BigInteger, index=True)


def has_expired(link: Link, now: datetime) -> bool:
    """Whether a link's time or its clicks have run out."""
    return _is_used_up(link) or (link.expires_at is not None and link.expires_at <= now)


def expect_expiry(ctx: Context, link: Link, *, had_expired: bool = False) -> None:
    """Have a link's end told once it comes. One that `had_expired` before this change is not told of again."""
    values = {"link": link.id or 0, "due": 0}
    if has_expired(link, ctx.now):
        if not had_expired:
            ctx.session.connection().execute(_EXPECT, values)
    elif link.expires_at is not None:
        ctx.session.connection().execute(_EXPECT, {**values, "due": to_microseconds(link.expires_at)})
    else:
        ctx.session.connection().execute(_FORGET, values)


@dataclass(frozen=True)
class ExpiryWatcher:
    """Tells of the links whose end has come."""

    read: Read
    work: Work
    clock: Callable[[], datetime]

    def run(self) -> int:
        """Tell of those whose end has come since the last turn; returns how many there were."""
        told = 0
        while due := self._due():
            for link_id in due:
                with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
                    told += tell(ctx, link_id)
        return told

    def _due(self) -> list[int]:
        with self.read() as connection:
            values = {"now": to_microseconds(self.clock()), "step": STEP}
            return list(connection.execute(_DUE, values).scalars())


def tell(ctx: Context, link_id: int) -> bool:
    """Announce that a link has come to its end, if it has and nobody else has told of it meanwhile."""
    # The link first, as those lock it who change it.
    link = ctx.session.exec(select(Link).where(col(Link.id) == link_id).with_for_update()).first()
    values = {"link": link_id, "now": to_microseconds(ctx.now)}
    taken = ctx.session.connection().execute(_TAKE, values).first()
    if link is None or taken is None:
        return False
    if not has_expired(link, ctx.now):
        # Written by a last click before the limit was raised.
        expect_expiry(ctx, link)
        return False
    announce(
        ctx,
        Event.LINK_EXPIRED,
        {"link": show_link(ctx, link), "reason": "max_clicks" if _is_used_up(link) else "expires_at"},
        workspace_id=link.workspace_id,
        project_id=link.project_id,
        link_id=link_id,
    )
    return True


def _is_used_up(link: Link) -> bool:
    return link.max_clicks is not None and link.used_clicks >= link.max_clicks


_EXPECT = text(
    "INSERT INTO link_expiries (link_id, due_at) VALUES (:link, :due) "
    "ON CONFLICT (link_id) DO UPDATE SET due_at = excluded.due_at"
)
_FORGET = text("DELETE FROM link_expiries WHERE link_id = :link")
_TAKE = text("DELETE FROM link_expiries WHERE link_id = :link AND due_at <= :now RETURNING link_id")
_DUE = text("SELECT link_id FROM link_expiries WHERE due_at <= :now ORDER BY due_at LIMIT :step")
