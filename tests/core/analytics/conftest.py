"""A workspace with a project and a link, in a transaction that is rolled back, on both databases."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel

import visits
from shortmcp.core.context import Caller, Context, Scope, Site
from shortmcp.core.links.tables import Link
from shortmcp.core.plans import Plan
from shortmcp.core.projects import Project
from shortmcp.core.usage import Meter
from shortmcp.core.workspaces import Workspace

_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432"
NOW = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables."""
    made = _sqlite(tmp_path_factory.mktemp("analytics")) if request.param == "sqlite" else _postgres()
    engine = next(made)
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()
    next(made, None)


@pytest.fixture
def context(engine: Engine) -> Iterator[Context]:
    """A reader of a workspace with one project and one link, `launch`, without clicks."""
    with engine.connect() as connection, Session(connection) as session:
        workspace = Workspace(name="Ours", slug="ours", plan="unlimited", created_at=NOW)
        session.add(workspace)
        session.flush()
        project = Project(workspace_id=workspace.id or 0, name="One", slug="one", created_at=NOW, updated_at=NOW)
        session.add(project)
        session.flush()
        session.add(
            Link(
                workspace_id=workspace.id or 0,
                project_id=project.id or 0,
                short_code="launch",
                original_url="https://example.com/",
                title="Launch link",
                created_at=NOW,
                updated_at=NOW,
            )
        )
        session.flush()
        caller = Caller(workspace.id or 0, 1, Scope.READ, Plan(name="unlimited"))
        yield Context(session, caller, NOW, Site("http://short.test", frozenset(), {}), Meter())
        session.rollback()


@pytest.fixture
def store_visits() -> Callable[..., None]:
    """Writes clicks, each a row of `clicks` without its link and without `is_first`, in order of time."""
    return visits.store_visits


def _sqlite(folder: Path) -> Iterator[Engine]:
    yield create_engine(f"sqlite:///{folder / 'test.db'}")


def _postgres() -> Iterator[Engine]:
    name = f"shortmcp_analytics_{os.getpid()}"
    server = create_engine(f"{_POSTGRES}/postgres?connect_timeout=2", isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        pytest.skip("No PostgreSQL answers on 127.0.0.1:5432.")
    yield create_engine(f"{_POSTGRES}/{name}")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()
