"""Pastes as visitors read them, and what becomes of their texts afterwards."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, text

from shortmcp.core.context import Context
from shortmcp.core.pastes.finding import find_visited_paste, read_content, subject_of

Transaction = Callable[[], AbstractContextManager[Connection]]
# Up to so many MiB in one transaction.
STEP = 32


class VisitedPasteRef(BaseModel):
    """Which paste a visitor named."""

    model_config = ConfigDict(extra="forbid")

    paste_code: str


@dataclass(frozen=True)
class VisitedPaste:
    """A paste for whoever has its address and, if there is a `password_hash`, knows the password of the `subject`."""

    id: int
    code: str
    title: str | None
    language: str
    content: str
    size: int
    is_private: bool
    subject: str
    password_hash: str | None
    created_at: datetime
    expires_at: datetime | None


def show_paste(ctx: Context, ref: VisitedPasteRef) -> VisitedPaste:
    """Show a paste to a visitor, who must have been asked for its password; NOT_FOUND without one, GONE afterwards."""
    paste = find_visited_paste(ctx, ref.paste_code)
    return VisitedPaste(
        id=paste.id or 0,
        code=paste.code,
        title=paste.title,
        language=paste.language,
        content=read_content(ctx, paste),
        size=paste.size,
        is_private=paste.is_private,
        subject=subject_of(paste),
        password_hash=paste.password_hash,
        created_at=paste.created_at,
        expires_at=paste.expires_at,
    )


def count_view(write: Transaction, paste_id: int) -> None:
    """Count that somebody read a paste."""
    with write() as connection:
        connection.execute(text("UPDATE pastes SET views = views + 1 WHERE id = :id"), {"id": paste_id})


def purge_expired_texts(connection: Connection, now: int) -> int:
    """Take some of the texts away that have expired at `now` (unix milliseconds); returns how many went."""
    old = "SELECT paste_id FROM paste_contents WHERE expires_at <= :now ORDER BY expires_at LIMIT :step"
    return connection.execute(
        text(f"DELETE FROM paste_contents WHERE paste_id IN ({old})"),  # noqa: S608 - the query above
        {"now": now * 1000, "step": STEP},
    ).rowcount
