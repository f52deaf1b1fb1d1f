"""Who wants to be told of what, what has happened, and how far telling them has come."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Index, Integer, text
from sqlmodel import Field, SQLModel

from shortmcp.core.fields import Moment

# What is still to be done, and what is being done. In these words, so that both databases know their index by them.
OPEN = "state IN ('queued', 'running')"
RUNNING = "state = 'running'"


class DeliveryState(StrEnum):
    """A queued delivery waits for its turn, a running one is leased to a process; the others have ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Webhook(SQLModel, table=True):
    """An endpoint that is told of events; `event_types` with a blank before, between and behind them.

    `salt` makes its secret, together with the instance's key; `old_salt` made the one before, which signs as well until
    `old_salt_until`. `failing_since` is when the first of the latest attempts failed, none having succeeded since.
    """

    __tablename__ = "webhooks"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (Index("ix_webhooks_workspace_id_id", "workspace_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspaces.id")
    url: str
    event_types: str
    project_id: int | None = Field(default=None, index=True)
    link_id: int | None = Field(default=None, index=True)
    salt: str
    old_salt: str | None = None
    old_salt_until: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    is_active: bool = True
    disabled_reason: str | None = None
    failing_since: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    updated_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class DeletedWebhook(SQLModel, table=True):
    """A webhook that was deleted: whose it was, so that deleting it again is no error for them."""

    __tablename__ = "deleted_webhooks"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    workspace_id: int


class WebhookEvent(SQLModel, table=True):
    """Something that happened; `body` is sent as it stands, to every endpoint and at every attempt."""

    __tablename__ = "webhook_events"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    id: str = Field(primary_key=True)
    type: str
    body: str
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))


class WebhookDelivery(SQLModel, table=True):
    """An event on its way to an endpoint. `run_at` is when it is due; of a running one, when its lease ends.

    `attempts` is how often it has been begun; `response_status`, `error` and `attempted_at` are the latest attempt's.
    `is_test` marks those that somebody asked for: they reach endpoints that are switched off, too.
    """

    __tablename__ = "webhook_deliveries"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (
        # The first one's first column is also how the next endpoint with something to do is found.
        Index(
            "ix_webhook_deliveries_open",
            "webhook_id",
            "run_at",
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
        Index(
            "ix_webhook_deliveries_running",
            "webhook_id",
            "run_at",
            sqlite_where=text(RUNNING),
            postgresql_where=text(RUNNING),
        ),
        Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    webhook_id: int
    event_id: str
    is_test: bool = False
    state: str = Field(
        default=DeliveryState.QUEUED.value, sa_column_kwargs={"server_default": DeliveryState.QUEUED.value}
    )
    run_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    response_status: int | None = None
    error: str | None = None
    attempted_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))
