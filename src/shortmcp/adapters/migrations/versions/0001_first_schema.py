"""First schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_calls",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_id", "month", name=op.f("pk_api_calls")),
    )
    op.create_table(
        "clicks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("clicked_at", sa.BigInteger(), nullable=False),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("visitor", sa.BigInteger(), nullable=False),
        sa.Column("referrer", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("os", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("utm_source", sa.String(), nullable=False),
        sa.Column("utm_medium", sa.String(), nullable=False),
        sa.Column("utm_campaign", sa.String(), nullable=False),
        sa.Column("utm_term", sa.String(), nullable=False),
        sa.Column("utm_content", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clicks")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("clicks", schema=None) as batch_op:
        batch_op.create_index("ix_clicks_link_id_clicked_at", ["link_id", "clicked_at"], unique=False)

    op.create_table(
        "journal_offsets",
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("file"),
    )
    op.create_table(
        "journal_rejects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link_days",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("uniques", sa.Integer(), nullable=False),
        sa.Column("bots", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "day", name=op.f("pk_link_days")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link_purges",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_purges")),
    )
    op.create_table(
        "link_quarters",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("firsts", sa.Integer(), nullable=False),
        sa.Column("bots", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "quarter", name=op.f("pk_link_quarters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link_totals",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("uniques", sa.BigInteger(), nullable=False),
        sa.Column("bots", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_totals")),
    )
    op.create_table(
        "link_values",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "day", "dimension", "value", name=op.f("pk_link_values")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "password_guesses",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_password_guesses")),
    )
    with op.batch_alter_table("password_guesses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_guesses_started_at"), ["started_at"], unique=False)

    op.create_table(
        "request_windows",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_request_windows")),
    )
    op.create_table(
        "short_codes",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("domain", "code", name=op.f("pk_short_codes")),
    )
    with op.batch_alter_table("short_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_short_codes_workspace_id"), ["workspace_id"], unique=False)

    op.create_table(
        "visitor_salts",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "visitors",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("visitor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "day", "visitor"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("slug", name=op.f("uq_workspaces_slug")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("monthly_report_recipients", sa.String(), nullable=True),
        sa.Column("weekly_report_recipients", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_projects_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("slug", name=op.f("uq_projects_slug")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reserved_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_reserved_codes_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserved_codes")),
        sa.UniqueConstraint("domain", "code", name=op.f("uq_reserved_codes_domain_code")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("reserved_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reserved_codes_workspace_id"), ["workspace_id"], unique=False)

    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_projects_workspace_id"), ["workspace_id"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_tokens_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tokens_workspace_id"), ["workspace_id"], unique=False)

    op.create_table(
        "links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("short_code", sa.String(), nullable=False),
        sa.Column("original_url", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("redirect_url", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("max_clicks", sa.Integer(), nullable=True),
        sa.Column("used_clicks", sa.Integer(), nullable=False),
        sa.Column("og_title", sa.String(), nullable=True),
        sa.Column("og_description", sa.String(), nullable=True),
        sa.Column("og_image", sa.String(), nullable=True),
        sa.Column("mask", sa.Boolean(), nullable=False),
        sa.Column("notify_on_mask_break", sa.Boolean(), nullable=False),
        sa.Column("analytics_public", sa.Boolean(), nullable=False),
        sa.Column("forward_query", sa.Boolean(), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_links_project_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_links_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("domain", "short_code", name=op.f("uq_links_domain_short_code")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_links_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_links_workspace_id"), ["workspace_id"], unique=False)
        batch_op.create_index("ix_links_workspace_id_original_url", ["workspace_id", "original_url"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index("ix_links_workspace_id_original_url")
        batch_op.drop_index(batch_op.f("ix_links_workspace_id"))
        batch_op.drop_index(batch_op.f("ix_links_project_id"))

    op.drop_table("links")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tokens_workspace_id"))

    op.drop_table("tokens")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_projects_workspace_id"))

    op.drop_table("projects")
    with op.batch_alter_table("reserved_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reserved_codes_workspace_id"))

    op.drop_table("reserved_codes")
    op.drop_table("workspaces")
    op.drop_table("visitors")
    op.drop_table("visitor_salts")
    with op.batch_alter_table("short_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_short_codes_workspace_id"))

    op.drop_table("short_codes")
    op.drop_table("request_windows")
    with op.batch_alter_table("password_guesses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_password_guesses_started_at"))

    op.drop_table("password_guesses")
    op.drop_table("link_values")
    op.drop_table("link_totals")
    op.drop_table("link_quarters")
    op.drop_table("link_purges")
    op.drop_table("link_days")
    op.drop_table("link_changes")
    op.drop_table("journal_rejects")
    op.drop_table("journal_offsets")
    with op.batch_alter_table("clicks", schema=None) as batch_op:
        batch_op.drop_index("ix_clicks_link_id_clicked_at")

    op.drop_table("clicks")
    op.drop_table("api_calls")
