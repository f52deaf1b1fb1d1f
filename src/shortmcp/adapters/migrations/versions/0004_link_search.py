"""Lists of a million links: exact counts, indexes in the order of lists, and an index of words."""

import unicodedata
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STEP = 5_000
SQLITE = (
    # Contentless: the words themselves are in `links`.
    "CREATE VIRTUAL TABLE link_words USING fts5(workspace, words, content='', tokenize='trigram case_sensitive 1')",
    "CREATE VIRTUAL TABLE link_word_parts USING fts5vocab(link_words, row)",
    # What was deleted stays in the index until the worker comes to it: deleting a large project must be quick.
    """
CREATE TABLE link_words_gone (link_id INTEGER PRIMARY KEY, workspace VARCHAR NOT NULL, words VARCHAR NOT NULL)
""",
    # The words of other workspaces are not even looked at: each link's carry their workspace as three characters of
    # private use, which the index takes for one trigram.
    """
INSERT INTO link_words (rowid, workspace, words)
SELECT id, char(57344 + workspace_id / 16777216, 57344 + workspace_id / 4096 % 4096, 57344 + workspace_id % 4096), words
FROM links
""",
    """
CREATE TRIGGER links_added AFTER INSERT ON links BEGIN
    INSERT INTO link_counts (workspace_id, project_id, domain, is_active, links)
    VALUES (NEW.workspace_id, NEW.project_id, NEW.domain, NEW.is_active, 1)
    ON CONFLICT (workspace_id, project_id, domain, is_active) DO UPDATE SET links = links + 1;
    INSERT INTO link_words (rowid, workspace, words)
    VALUES (NEW.id, char(57344 + NEW.workspace_id / 16777216, 57344 + NEW.workspace_id / 4096 % 4096,
                         57344 + NEW.workspace_id % 4096), NEW.words);
END
""",
    """
CREATE TRIGGER links_removed AFTER DELETE ON links BEGIN
    UPDATE link_counts SET links = links - 1 WHERE (workspace_id, project_id, domain, is_active)
        = (OLD.workspace_id, OLD.project_id, OLD.domain, OLD.is_active);
    INSERT INTO link_words_gone (link_id, workspace, words)
    VALUES (OLD.id, char(57344 + OLD.workspace_id / 16777216, 57344 + OLD.workspace_id / 4096 % 4096,
                         57344 + OLD.workspace_id % 4096), OLD.words);
END
""",
    """
CREATE TRIGGER links_purged AFTER DELETE ON link_purges BEGIN
    INSERT INTO link_words (link_words, rowid, workspace, words)
    SELECT 'delete', link_id, workspace, words FROM link_words_gone WHERE link_id = OLD.link_id;
    DELETE FROM link_words_gone WHERE link_id = OLD.link_id;
END
""",
    """
CREATE TRIGGER links_moved AFTER UPDATE OF project_id, domain, is_active ON links
WHEN (OLD.project_id, OLD.domain, OLD.is_active) IS NOT (NEW.project_id, NEW.domain, NEW.is_active)
BEGIN
    UPDATE link_counts SET links = links - 1 WHERE (workspace_id, project_id, domain, is_active)
        = (OLD.workspace_id, OLD.project_id, OLD.domain, OLD.is_active);
    INSERT INTO link_counts (workspace_id, project_id, domain, is_active, links)
    VALUES (NEW.workspace_id, NEW.project_id, NEW.domain, NEW.is_active, 1)
    ON CONFLICT (workspace_id, project_id, domain, is_active) DO UPDATE SET links = links + 1;
END
""",
    """
CREATE TRIGGER links_reworded AFTER UPDATE OF words ON links WHEN OLD.words <> NEW.words
BEGIN
    INSERT INTO link_words (link_words, rowid, workspace, words)
    VALUES ('delete', OLD.id, char(57344 + OLD.workspace_id / 16777216, 57344 + OLD.workspace_id / 4096 % 4096,
                                   57344 + OLD.workspace_id % 4096), OLD.words);
    INSERT INTO link_words (rowid, workspace, words)
    VALUES (NEW.id, char(57344 + NEW.workspace_id / 16777216, 57344 + NEW.workspace_id / 4096 % 4096,
                         57344 + NEW.workspace_id % 4096), NEW.words);
END
""",
)
# Every statement takes its rows of link_counts in the order of their key, so that two writers cannot wait for each
# other in a circle; and links are the last thing that an operation writes, so that rows are held for a moment only.
POSTGRES = (
    """
CREATE FUNCTION count_added_links() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO link_counts (workspace_id, project_id, domain, is_active, links)
    SELECT workspace_id, project_id, domain, is_active, count(*) FROM added GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (workspace_id, project_id, domain, is_active) DO UPDATE SET links = link_counts.links + excluded.links;
    RETURN NULL;
END $body$
""",
    """
CREATE FUNCTION count_removed_links() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO link_counts (workspace_id, project_id, domain, is_active, links)
    SELECT workspace_id, project_id, domain, is_active, -count(*) FROM removed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (workspace_id, project_id, domain, is_active) DO UPDATE SET links = link_counts.links + excluded.links;
    RETURN NULL;
END $body$
""",
    """
CREATE FUNCTION count_moved_link() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO link_counts (workspace_id, project_id, domain, is_active, links)
    SELECT * FROM (VALUES (OLD.workspace_id, OLD.project_id, OLD.domain, OLD.is_active, -1),
                          (NEW.workspace_id, NEW.project_id, NEW.domain, NEW.is_active, 1)) AS moved ORDER BY 1, 2, 3, 4
    ON CONFLICT (workspace_id, project_id, domain, is_active) DO UPDATE SET links = link_counts.links + excluded.links;
    RETURN NULL;
END $body$
""",
    """
CREATE TRIGGER links_added AFTER INSERT ON links REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION count_added_links()
""",
    """
CREATE TRIGGER links_removed AFTER DELETE ON links REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION count_removed_links()
""",
    """
CREATE TRIGGER links_moved AFTER UPDATE OF project_id, domain, is_active ON links FOR EACH ROW
WHEN ((OLD.project_id, OLD.domain, OLD.is_active) IS DISTINCT FROM (NEW.project_id, NEW.domain, NEW.is_active))
EXECUTE FUNCTION count_moved_link()
""",
)
OLD_INDEXES = (("ix_links_workspace_id", "workspace_id"), ("ix_links_project_id", "project_id"))
NEW_INDEXES = (
    ("ix_links_workspace_id_id", ["workspace_id", "id"]),
    ("ix_links_workspace_id_is_active_id", ["workspace_id", "is_active", "id"]),
    ("ix_links_workspace_id_domain_id", ["workspace_id", "domain", "id"]),
    ("ix_links_project_id_workspace_id_id", ["project_id", "workspace_id", "id"]),
    ("ix_links_project_id_workspace_id_is_active_id", ["project_id", "workspace_id", "is_active", "id"]),
)


def upgrade() -> None:
    op.create_table(
        "link_counts",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_link_counts_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "project_id", "domain", "is_active", name=op.f("pk_link_counts")),
    )
    op.create_index("ix_link_counts_project_id", "link_counts", ["project_id"])
    op.add_column("links", sa.Column("words", sa.String(), nullable=False, server_default=""))
    for name, _ in OLD_INDEXES:
        op.drop_index(name, "links")
    for name, columns in NEW_INDEXES:
        op.create_index(name, "links", columns)
    connection = op.get_bind()
    for rows in _steps(connection):
        connection.execute(sa.text("UPDATE links SET words = :words WHERE id = :id"), rows)
    op.execute(
        "INSERT INTO link_counts (workspace_id, project_id, domain, is_active, links) "
        "SELECT workspace_id, project_id, domain, is_active, count(*) FROM links GROUP BY 1, 2, 3, 4"
    )
    is_postgres = connection.dialect.name == "postgresql"
    for statement in POSTGRES if is_postgres else SQLITE:
        connection.exec_driver_sql(statement)
    if is_postgres:
        _try_trigrams(connection)


def downgrade() -> None:
    for trigger in ("added", "removed", "moved", "reworded", "purged"):
        table = "link_purges" if trigger == "purged" else "links"
        on = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
        op.execute(f"DROP TRIGGER IF EXISTS links_{trigger}{on}")
    if op.get_bind().dialect.name == "postgresql":
        for name in ("count_added_links", "count_removed_links", "count_moved_link"):
            op.execute(f"DROP FUNCTION {name}()")
        op.execute("DROP INDEX IF EXISTS ix_links_words")
    else:
        for name in ("link_word_parts", "link_words", "link_words_gone"):
            op.execute(f"DROP TABLE {name}")
    for name, _ in NEW_INDEXES:
        op.drop_index(name, "links")
    op.drop_column("links", "words")
    for name, column in OLD_INDEXES:
        op.create_index(name, "links", [column])
    op.drop_table("link_counts")


def _steps(connection: sa.Connection) -> Iterable[list[dict[str, object]]]:
    query = sa.text("SELECT id, original_url, short_code, title FROM links WHERE id > :last ORDER BY id LIMIT :step")
    last = 0
    while rows := connection.execute(query, {"last": last, "step": STEP}).all():
        last = rows[-1].id
        yield [{"id": row.id, "words": _words(row.original_url, row.short_code, row.title)} for row in rows]


def _words(*texts: str) -> str:
    # As shortmcp.core.links.words does it at this revision.
    return unicodedata.normalize("NFC", "".join(f"{text}\n" for text in (*texts, "")).casefold())


def _try_trigrams(connection: sa.Connection) -> None:
    # The extension may be missing or refused: searches read more then, and `doctor` says so.
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DBAPIError:
        pass
