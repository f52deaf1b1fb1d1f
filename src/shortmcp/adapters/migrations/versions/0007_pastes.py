"""Pastes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pastes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_pastes_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pastes")),
        sa.UniqueConstraint("code", name=op.f("uq_pastes_code")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pastes_workspace_id_id", "pastes", ["workspace_id", "id"], unique=False)
    op.create_table(
        "paste_contents",
        sa.Column("paste_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["paste_id"], ["pastes.id"], name=op.f("fk_paste_contents_paste_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paste_id", name=op.f("pk_paste_contents")),
    )
    op.create_index(op.f("ix_paste_contents_expires_at"), "paste_contents", ["expires_at"], unique=False)
    op.create_table(
        "deleted_pastes",
        sa.Column("code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_deleted_pastes")),
    )


def downgrade() -> None:
    op.drop_table("deleted_pastes")
    op.drop_table("paste_contents")
    op.drop_table("pastes")
