"""How links are kept."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from shortmcp.core.fields import Moment


class Link(SQLModel, table=True):
    """A short code and where it leads. `redirect_url` is the fallback while the link does not work.

    `domain` is empty for the instance's own one. `used_clicks` is exact and counts only while there are `max_clicks`.
    `safety` is what is known of where it leads, one of `checks.Safety`; `blocked_at` since when that is unsafe.
    `words` is what searches look through.
    """

    __tablename__ = "links"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (
        Index("ix_links_workspace_id_original_url", "workspace_id", "original_url"),
        # In the order of lists: newest first, of a workspace, of its state, of a domain, of a project.
        Index("ix_links_workspace_id_id", "workspace_id", "id"),
        Index("ix_links_workspace_id_is_active_id", "workspace_id", "is_active", "id"),
        Index("ix_links_workspace_id_domain_id", "workspace_id", "domain", "id"),
        Index("ix_links_project_id_workspace_id_id", "project_id", "workspace_id", "id"),
        Index("ix_links_project_id_workspace_id_is_active_id", "project_id", "workspace_id", "is_active", "id"),
        UniqueConstraint("domain", "short_code"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id")
    project_id: int = Field(foreign_key="projects.id")
    domain: str = ""
    short_code: str
    original_url: str
    title: str
    description: str | None = None
    is_active: bool = True
    redirect_url: str | None = None
    expires_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    password_hash: str | None = None
    max_clicks: int | None = None
    used_clicks: int = 0
    og_title: str | None = None
    og_description: str | None = None
    og_image: str | None = None
    mask: bool = False
    notify_on_mask_break: bool = False
    analytics_public: bool = False
    forward_query: bool = False
    safety: str = Field(default="unchecked", sa_column_kwargs={"server_default": "unchecked"})
    blocked_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    words: str = Field(default="", sa_column=Column(String, nullable=False, server_default=""))

    def works_at(self, now: datetime) -> bool:
        """Whether visitors reach the destination at `now`."""
        expired = self.expires_at is not None and self.expires_at <= now
        used_up = self.max_clicks is not None and self.used_clicks >= self.max_clicks
        return self.is_active and not expired and not used_up and self.blocked_at is None


class LinkCount(SQLModel, table=True):
    """How many links there are of a kind: kept by triggers, in the transaction that adds, moves or removes them."""

    __tablename__ = "link_counts"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    workspace_id: int = Field(primary_key=True)
    project_id: int = Field(primary_key=True, foreign_key="projects.id", ondelete="CASCADE", index=True)
    domain: str = Field(primary_key=True)
    is_active: bool = Field(primary_key=True)
    links: int = Field(sa_type=BigInteger)
