"""Checks of destinations and of masked pages."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A plain ALTER TABLE: the table may be large, and triggers may stand on it.
    op.add_column("links", sa.Column("safety", sa.String(), server_default="unchecked", nullable=False))
    op.create_table(
        "link_checks",
        sa.Column("link_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("next_check_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_checks")),
    )
    op.create_index(op.f("ix_link_checks_next_check_at"), "link_checks", ["next_check_at"], unique=False)
    op.create_table(
        "mask_checks",
        sa.Column("link_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("broken_since", sa.BigInteger(), nullable=True),
        sa.Column("next_check_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_mask_checks")),
    )
    op.create_index(op.f("ix_mask_checks_next_check_at"), "mask_checks", ["next_check_at"], unique=False)
    op.execute("INSERT INTO link_checks (link_id, next_check_at) SELECT id, 0 FROM links")
    op.execute(
        "INSERT INTO mask_checks (link_id, next_check_at) SELECT id, 0 FROM links WHERE mask AND notify_on_mask_break"
    )


def downgrade() -> None:
    op.drop_table("mask_checks")
    op.drop_table("link_checks")
    op.drop_column("links", "safety")
