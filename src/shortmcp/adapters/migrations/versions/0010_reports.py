"""Reports by mail: who gets them, and what was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("declined_at", sa.BigInteger(), nullable=True),
        sa.Column("refused_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_contacts")),
        sa.UniqueConstraint("workspace_id", "address", name=op.f("uq_report_contacts_workspace_id_address")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_report_contacts_address"), "report_contacts", ["address"], unique=False)
    op.create_table(
        "report_opt_outs",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "project_id", name=op.f("pk_report_opt_outs")),
    )
    op.create_index(op.f("ix_report_opt_outs_project_id"), "report_opt_outs", ["project_id"], unique=False)
    op.create_table(
        "report_rounds",
        sa.Column("cadence", sa.String(), nullable=False),
        sa.Column("first_day", sa.String(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cadence", name=op.f("pk_report_rounds")),
    )
    op.create_table(
        "report_sends",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cadence", sa.String(), nullable=False),
        sa.Column("first_day", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cadence", "first_day", "contact_id", name=op.f("pk_report_sends")),
    )
    op.create_index("ix_report_sends_first_day", "report_sends", ["first_day"], unique=False)
    op.create_table(
        "report_days",
        sa.Column("workspace_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_report_days")),
    )


def downgrade() -> None:
    for table in ("report_days", "report_sends", "report_rounds", "report_opt_outs", "report_contacts"):
        op.drop_table(table)
