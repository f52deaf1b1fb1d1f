"""How pastes are kept: what is known of one apart from its text, which may be a thousand times as long."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field, SQLModel

from shortmcp.core.fields import Moment


class Paste(SQLModel, table=True):
    """What is known of a paste. `size` is its text's in bytes of UTF-8, `views` is exact."""

    __tablename__ = "pastes"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (Index("ix_pastes_workspace_id_id", "workspace_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id")
    code: str = Field(unique=True)
    title: str | None = None
    language: str
    size: int
    views: int = Field(default=0, sa_type=BigInteger)
    is_private: bool
    password_hash: str | None = None
    expires_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))

    def has_expired(self, now: datetime) -> bool:
        """Whether nobody may read it any more at `now`."""
        return self.expires_at is not None and self.expires_at <= now


class PasteContent(SQLModel, table=True):
    """The text of a paste, in a row of its own: lists do not read it, and counting a view does not write it anew.

    `expires_at` is the paste's, by which expired texts are found.
    """

    __tablename__ = "paste_contents"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    paste_id: int = Field(primary_key=True, foreign_key="pastes.id", ondelete="CASCADE")
    content: str
    expires_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True, index=True))


class DeletedPaste(SQLModel, table=True):
    """The code of a paste that was deleted: visitors hear that it is gone, and nothing else gets its address."""

    __tablename__ = "deleted_pastes"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    code: str = Field(primary_key=True)
