"""Migrations: whole or not at all, and never onto a database that is newer than the code."""

import signal
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import inspect, text

from conftest import postgres_url
from processes import SHORTMCP
from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import is_current, migrate, newest_revision

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


@pytest.mark.parametrize("statement", [8, 0])
def test_a_migration_that_was_killed_leaves_nothing_and_the_next_one_completes(empty: Database, statement: int) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, url_of(empty), str(statement)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert tables(empty) == set()
    migrate(empty)
    assert is_current(empty)
    assert {"links", "clicks", "alembic_version"} <= tables(empty)


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
    refused = subprocess.run(
        [SHORTMCP, "serve", "--port", "1", "--database-url", url_of(database)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: The database is at revision 9999")
    assert "Traceback" not in refused.stderr
