"""Secrets, and apart from them what is destroyed with their last use."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("remaining_uses", sa.Integer(), nullable=False),
        sa.Column("has_passphrase", sa.Boolean(), nullable=False),
        sa.Column("client_encrypted", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_revealed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_secrets_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrets")),
        sa.UniqueConstraint("slug", name=op.f("uq_secrets_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_secrets_workspace_id_id", "secrets", ["workspace_id", "id"], unique=False)
    op.create_index(op.f("ix_secrets_expires_at"), "secrets", ["expires_at"], unique=False)
    op.create_index(op.f("ix_secrets_ended_at"), "secrets", ["ended_at"], unique=False)
    # The seed stands last: a record of this size ends in pages of its own, which SQLite overwrites with it.
    op.create_table(
        "sealed_contents",
        sa.Column("secret_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("secret_id", name=op.f("pk_sealed_contents")),
    )


def downgrade() -> None:
    op.drop_table("sealed_contents")
    op.drop_table("secrets")
    op.execute("UPDATE short_codes SET kind = 'link', released_at = coalesce(released_at, 0) WHERE kind = 'secret'")
