"""Webhooks with their events and deliveries, and the links whose end has not been told yet."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('queued', 'running')")
RUNNING = sa.text("state = 'running'")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("event_types", sa.String(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("link_id", sa.Integer(), nullable=True),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("old_salt", sa.String(), nullable=True),
        sa.Column("old_salt_until", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_webhooks_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhooks_workspace_id_id", "webhooks", ["workspace_id", "id"], unique=False)
    op.create_index(op.f("ix_webhooks_project_id"), "webhooks", ["project_id"], unique=False)
    op.create_index(op.f("ix_webhooks_link_id"), "webhooks", ["link_id"], unique=False)
    op.create_table(
        "deleted_webhooks",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_webhooks")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    op.create_index(op.f("ix_webhook_events_created_at"), "webhook_events", ["created_at"], unique=False)
    _create_deliveries()
    op.create_table(
        "link_expiries",
        sa.Column("link_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_expiries")),
    )
    op.create_index(op.f("ix_link_expiries_due_at"), "link_expiries", ["due_at"], unique=False)
    # What has come to its end before was nobody's to be told of.
    op.execute(
        sa.text(
            "INSERT INTO link_expiries (link_id, due_at) SELECT id, expires_at FROM links "
            "WHERE expires_at > :now AND (max_clicks IS NULL OR used_clicks < max_clicks)"
        ).bindparams(now=time.time_ns() // 1000)
    )


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("run_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("attempted_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sqlite_autoincrement=True,
    )
    for name, columns, where in (
        ("ix_webhook_deliveries_open", ["webhook_id", "run_at"], OPEN),
        ("ix_webhook_deliveries_running", ["webhook_id", "run_at"], RUNNING),
        ("ix_webhook_deliveries_webhook_id_id", ["webhook_id", "id"], None),
        ("ix_webhook_deliveries_created_at", ["created_at"], None),
    ):
        op.create_index(name, "webhook_deliveries", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for table in ("link_expiries", "webhook_deliveries", "webhook_events", "deleted_webhooks", "webhooks"):
        op.drop_table(table)
