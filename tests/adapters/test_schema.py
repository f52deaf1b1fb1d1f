"""Migrations: whole or not at all, and never onto a database that is newer than the code."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from psycopg.sql import SQL, Identifier
from sqlalchemy import inspect, make_url, text

from conftest import postgres_url
from processes import SHORTMCP
from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import _config, current_revision, is_current, migrate, newest_revision
from shortmcp.core.links.words import make_words

# Migrates, and is killed at its `sys.argv[2]`th statement that creates something, or at the commit if that is 0.
DYING = """
import os, signal, sys
from sqlalchemy import event
from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import migrate
database, left = Database(sys.argv[1]), int(sys.argv[2])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

@event.listens_for(database.writer, "commit")
def at_commit(connection):
    die()

@event.listens_for(database.writer, "before_cursor_execute")
def at_statement(connection, cursor, statement, *rest):
    global left
    if statement.lstrip().startswith("CREATE"):
        left -= 1
        if left == 0:
            die()

migrate(database)
"""

OLD_ROWS = (
    "INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)",
    "INSERT INTO projects VALUES (1, 1, 'A', 'a', NULL, NULL, NULL, 0, 0)",
    """
INSERT INTO links (id, workspace_id, project_id, domain, short_code, original_url, title, is_active, used_clicks, mask,
                   notify_on_mask_break, analytics_public, forward_query, created_at, updated_at)
VALUES (7, 1, 1, '', 'c', 'https://a.example/X', 'ÉCOLE', true, 0, false, false, false, false, 0, 0)
""",
)


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/empty.db")
        yield database
        database.close()
        return
    admin: psycopg.Connection = request.getfixturevalue("postgres_admin")
    name = f"shortmcp_test_{uuid4().hex}"
    admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    database = Database(postgres_url(name))
    yield database
    database.close()
    admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(inspect(connection).get_table_names())


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def test_an_empty_database_gets_the_newest_schema_and_keeps_it(empty: Database) -> None:
    assert not is_current(empty)
    assert migrate(empty) == (None, newest_revision())
    assert migrate(empty) == (newest_revision(), newest_revision())
    assert is_current(empty)


def test_the_tables_are_those_that_the_code_describes(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        command.check(_config(connection))


@pytest.mark.parametrize("statement", [8, 0])
def test_a_migration_that_was_killed_leaves_nothing_and_the_next_one_completes(empty: Database, statement: int) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, url_of(empty), str(statement)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert tables(empty) == set()
    migrate(empty)
    assert is_current(empty)
    assert {"links", "clicks", "alembic_version"} <= tables(empty)


@pytest.mark.parametrize("statement", [5, 0])
def test_an_upgrade_that_was_killed_leaves_the_older_schema_whole_and_the_next_one_completes(
    empty: Database, statement: int
) -> None:
    with empty.write() as connection:
        command.upgrade(_config(connection), "0003")
        for insertion in OLD_ROWS:
            connection.execute(text(insertion))
    before = tables(empty)
    done = subprocess.run([sys.executable, "-c", DYING, url_of(empty), str(statement)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert tables(empty) == before
    with empty.read() as connection:
        assert current_revision(connection) == "0003"
        assert connection.execute(text("SELECT id, title FROM links")).all() == [(7, "ÉCOLE")]
    assert migrate(empty) == ("0003", newest_revision())
    with empty.read() as connection:
        assert connection.execute(text("SELECT id, title FROM links")).all() == [(7, "ÉCOLE")]


def test_of_several_who_migrate_at_once_one_does_it(empty: Database) -> None:
    databases = [Database(url_of(empty)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        steps = sorted(pool.map(migrate, databases), key=str)
    assert steps == [(newest_revision(), newest_revision())] * 3 + [(None, newest_revision())]
    for database in databases:
        database.close()


def test_a_database_of_a_newer_version_is_left_alone(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not is_current(database)
    with pytest.raises(ValueError, match="revision 9999, which this version of shortmcp does not know"):
        migrate(database)
    for arguments, sentence in (
        (("serve", "--port", "1"), "The database is at revision 9999"),
        (("worker",), "The database is at revision 9999"),
        (("migrate",), "The database is at revision 9999"),
        (("workspace", "create", "New"), "The database has another version's schema"),
    ):
        refused = subprocess.run(
            [SHORTMCP, *arguments, "--database-url", url_of(database)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
        )
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"Error: {sentence}")
        assert "Traceback" not in refused.stderr


@pytest.fixture
def poor(postgres_admin: psycopg.Connection) -> Generator[Database]:
    """An empty database whose user may not add extensions to it."""
    name, password = f"shortmcp_test_{uuid4().hex}", uuid4().hex
    postgres_admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(name), password))
    postgres_admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    with psycopg.connect(postgres_url(name), autocommit=True) as owner:
        owner.execute(SQL("GRANT CREATE ON SCHEMA public TO {}").format(Identifier(name)))
    url = make_url(postgres_url(name)).set(username=name, password=password)
    database = Database(url.render_as_string(hide_password=False))
    yield database
    database.close()
    postgres_admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
    postgres_admin.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def test_without_the_extension_for_searches_the_schema_is_made_and_the_index_comes_later(
    poor: Database, tmp_path: Path
) -> None:
    def doctor() -> list[str]:
        command = [SHORTMCP, "doctor", "--json", "--database-url", url_of(poor), "--data-dir", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return [finding["subject"] for finding in json.loads(done.stdout) if finding["state"] == "warning"]

    migrate(poor)
    assert is_current(poor)
    assert "search" in doctor()
    with psycopg.connect(postgres_url(poor.url.database or ""), autocommit=True) as owner:
        owner.execute("CREATE EXTENSION pg_trgm")
    migrate(poor)
    assert "search" not in doctor()


def test_links_of_an_older_schema_can_be_searched_and_are_counted(empty: Database) -> None:
    with empty.write() as connection:
        command.upgrade(_config(connection), "0003")
        for statement in OLD_ROWS:
            connection.execute(text(statement))
    migrate(empty)
    with empty.read() as connection:
        assert connection.execute(text("SELECT * FROM link_counts")).all() == [(1, 1, "", True, 1)]
        words = make_words("https://a.example/X", "c", "ÉCOLE")
        assert connection.execute(text("SELECT words FROM links")).all() == [(words,)]
        if empty.is_sqlite:
            found = text("SELECT rowid FROM link_words WHERE link_words MATCH :sought")
            assert connection.execute(found, {"sought": '"école"'}).all() == [(7,)]


def test_the_index_of_words_and_the_counts_can_be_taken_back(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        command.downgrade(_config(connection), "0003")
        assert "link_counts" not in inspect(connection).get_table_names()
    assert migrate(empty) == ("0003", newest_revision())
