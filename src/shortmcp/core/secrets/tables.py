"""How secrets are kept: what is known of one, and apart from it what is destroyed with its last use."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from shortmcp.core.fields import Moment


class Secret(SQLModel, table=True):
    """What is known of a secret, also for a while after it has ended: was used up, expired or could not be read.

    `ended_at` is when its content was destroyed. It lives on the instance's own domain.
    """

    __tablename__ = "secrets"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (Index("ix_secrets_workspace_id_id", "workspace_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id")
    slug: str = Field(unique=True)
    max_uses: int
    remaining_uses: int
    has_passphrase: bool
    client_encrypted: bool
    expires_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True, index=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    last_revealed_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True, index=True))

    def is_open_at(self, now: datetime) -> bool:
        """Whether it can be revealed at `now`."""
        return self.ended_at is None and (self.expires_at is None or self.expires_at > now)


class SealedContent(SQLModel, table=True):
    """A secret's content, encrypted; without `seed` nobody can read it, whoever has the instance's key.

    `salt` and `proof` are what a passphrase is checked with; null without one. The seed is the last column for a
    reason: a record of this size ends in pages of its own, which SQLite overwrites when it is deleted. What stands at
    its beginning may leave traces where pages were rearranged.
    """

    __tablename__ = "sealed_contents"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    secret_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    salt: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    proof: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    seed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
