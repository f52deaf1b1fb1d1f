"""What tests stand on: real databases, real servers on loopback sockets, real clients."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser
from psycopg.sql import SQL, Identifier

from browser import start_chromium
from copies import Copies
from factories import Server, free_port, start_server
from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import migrate
from shortmcp.settings import Settings

POSTGRES = os.environ.get("SHORTMCP_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "shortmcp.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.writer.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_admin() -> Iterator[psycopg.Connection]:
    """A connection that may create databases; without PostgreSQL its tests are skipped, in CI they fail."""
    try:
        connection = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"PostgreSQL does not answer at {POSTGRES}: HALF OF THE SUITE IS NOT RUN ({error})")
    with connection:
        yield connection


@pytest.fixture(scope="session")
def postgres_template(postgres_admin: psycopg.Connection) -> Iterator[str]:
    """The name of a migrated PostgreSQL database, to be copied."""
    name = f"shortmcp_template_{uuid4().hex}"
    postgres_admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    database = Database(postgres_url(name))
    migrate(database)
    database.close()
    yield name
    postgres_admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(scope="session")
def postgres_copies(postgres_template: str) -> Iterator[Copies]:
    """Where tests have their migrated PostgreSQL databases from."""
    copies = Copies(lambda: psycopg.connect(POSTGRES, autocommit=True), postgres_template)
    yield copies
    copies.close()


def postgres_url(name: str) -> str:
    """The URL of another database on the same PostgreSQL server."""
    return f"{POSTGRES.rsplit('/', 1)[0]}/{name}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "shortmcp.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    copies: Copies = request.getfixturevalue("postgres_copies")
    name = copies.take()
    yield postgres_url(name)
    copies.drop(name)


@pytest.fixture(scope="module")
def shared_database_url(postgres_admin: psycopg.Connection, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database for all tests of a file."""
    name = f"shortmcp_test_{uuid4().hex}"
    create = SQL("CREATE DATABASE {} TEMPLATE {}")
    postgres_admin.execute(create.format(Identifier(name), Identifier(postgres_template)))
    yield postgres_url(name)
    postgres_admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An opened database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a server that tests start; its proxy is the test itself, so that visitors may come from anywhere."""
    return Settings(
        port=free_port(),
        data_dir=tmp_path,
        database_url=database_url,
        trusted_proxies="127.0.0.1",  # pyright: ignore[reportArgumentType]
    )


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A server on a socket of its own."""
    with ExitStack() as stack:
        yield start_server(settings, stack)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Of a module and not of the session: while it runs, no other test could start an event loop."""
    with start_chromium() as started:
        yield started
