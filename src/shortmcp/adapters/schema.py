"""The schema and its migrations: exactly one process migrates, the others wait for it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from shortmcp.adapters import changes
from shortmcp.adapters.database import Database
from shortmcp.adapters.words import add_word_index
from shortmcp.clicks import tables as click_tables
from shortmcp.core import (
    codes,
    guesses,
    jobs,
    limits,
    mails,
    projects,
    quotas,
    recipients,
    removal,
    retries,
    tokens,
    totals,
    usage,
    workspaces,
)
from shortmcp.core.analytics import tables as analytics_tables
from shortmcp.core.links import checks as link_checks
from shortmcp.core.links import tables as link_tables
from shortmcp.core.pastes import tables as paste_tables
from shortmcp.core.reports import tables as report_tables
from shortmcp.core.secrets import tables as secret_tables

# Importing them is what fills the metadata.
TABLE_MODULES = (
    analytics_tables,
    changes,
    click_tables,
    codes,
    guesses,
    jobs,
    limits,
    link_checks,
    link_tables,
    mails,
    paste_tables,
    projects,
    quotas,
    recipients,
    removal,
    report_tables,
    retries,
    secret_tables,
    tokens,
    totals,
    usage,
    workspaces,
)
MIGRATIONS = Path(__file__).parent / "migrations"
# Any number that nothing else locks: PostgreSQL's advisory locks are named by one.
MIGRATION_LOCK = 0x5307
# Seconds that a process waits for the one that migrates: a big table takes its time.
PATIENCE = 600.0


def migrate(database: Database) -> tuple[str | None, str]:
    """Bring the database to this version's schema; returns the revisions before and after.

    Raises ValueError where the database was made by a newer version.
    """
    with database.write(durable=True, patience=PATIENCE) as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        before = current_revision(connection)
        check_known(before)
        command.upgrade(_config(connection), "head")
        if not database.is_sqlite:
            # Each time, because the extension that it needs may have come later.
            add_word_index(connection)
        return before, newest_revision()


def prepare(database: Database) -> None:
    """Migrate an empty database; ValueError for one of another version, which may be in use by a running server."""
    with database.read() as connection:
        revision = current_revision(connection)
    if revision is None:
        migrate(database)
    elif revision != newest_revision():
        raise ValueError("The database has another version's schema: run `shortmcp migrate`, or start the server.")


def is_current(database: Database) -> bool:
    """Whether the database has this version's schema."""
    with database.read() as connection:
        return current_revision(connection) == newest_revision()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that this version's code needs."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def make_revision(database: Database, message: str) -> None:
    """Write a new migration for what the tables say and the database does not."""
    with database.write() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def check_known(revision: str | None) -> None:
    """ValueError for a revision that was made by a newer version."""
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if revision is not None and revision not in known:
        raise ValueError(
            f"The database is at revision {revision}, which this version of shortmcp does not know: "
            "it was made by a newer one. Run that version, or restore a backup of this one's."
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes.update(connection=connection, metadata=SQLModel.metadata)
    return config
