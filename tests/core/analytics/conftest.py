"""A workspace with a project and a link, in a transaction that is rolled back, on both databases."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, column, create_engine, delete, insert, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel

from shortmcp.core.analytics.tables import DIMENSIONS, ClickRow, LinkDay, LinkQuarter, LinkValue
from shortmcp.core.context import Caller, Context, Scope, Site
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.models import LinkRef
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
    return _store_visits


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


def _store_visits(
    context: Context, visits: Sequence[dict[str, Any]], *, link_id: int | None = None, stored: int = 0
) -> None:
    """Write clicks as ingest does, and count all of them anew; the first `stored` are in the clicks already."""
    link_id = link_id or find_link(context, LinkRef(short_code="launch")).id or 0
    firsts = _first_of_each_day(visits)
    rows = [
        {
            **visit,
            "link_id": link_id,
            "is_first": number in firsts,
            **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"), ""),
        }
        for number, visit in enumerate(visits)
    ]
    connection = context.session.connection()
    connection.execute(insert(ClickRow), rows[stored:])
    for table, counted in _roll_up(rows).items():
        connection.execute(delete(table).where(column("link_id") == link_id))
        connection.execute(insert(table), counted)


def _first_of_each_day(visits: Sequence[dict[str, Any]]) -> set[int]:
    firsts: dict[tuple[int, int], int] = {}
    for number, visit in enumerate(visits):
        if not visit["is_bot"]:
            firsts.setdefault((visit["clicked_at"] // 86_400_000, visit["visitor"]), number)
    return set(firsts.values())


def _roll_up(rows: Iterable[dict[str, Any]]) -> dict[type[SQLModel], list[dict[str, Any]]]:
    days: dict[int, Counter[str]] = {}
    quarters: dict[int, Counter[str]] = {}
    values: Counter[tuple[int, int, str]] = Counter()
    link_id = 0
    for row in rows:
        link_id, day = row["link_id"], row["clicked_at"] // 86_400_000
        for counts in (days.setdefault(day, Counter()), quarters.setdefault(row["clicked_at"] // 900_000, Counter())):
            counts.update(total=not row["is_bot"], firsts=row["is_first"], bots=row["is_bot"])
        if not row["is_bot"]:
            values.update((day, number, row[name]) for number, name in enumerate(DIMENSIONS))
    return {
        LinkDay: [
            {"link_id": link_id, "day": day, "total": one["total"], "uniques": one["firsts"], "bots": one["bots"]}
            for day, one in days.items()
        ],
        LinkQuarter: [{"link_id": link_id, "quarter": quarter, **one} for quarter, one in quarters.items()],
        LinkValue: [
            {"link_id": link_id, "day": day, "dimension": dimension, "value": value, "total": total}
            for (day, dimension, value), total in values.items()
        ],
    }
