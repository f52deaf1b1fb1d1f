"""Several processes that start at once on one database."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from conftest import postgres_url
from crash.harness import Instance, kill
from processes import wait_until_healthy
from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import is_current


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/shortmcp.db"
        return
    admin: psycopg.Connection = request.getfixturevalue("postgres_admin")
    name = f"shortmcp_test_{uuid4().hex}"
    admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield postgres_url(name)
    admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.mark.parametrize("servers", [2, 4])
def test_one_of_several_sets_up_the_database_and_all_serve(
    empty_database_url: str, tmp_path: Path, servers: int
) -> None:
    with ExitStack() as stack:
        processes = [Instance(tmp_path / str(number), empty_database_url).start() for number in range(servers)]
        for process in processes:
            stack.callback(kill, process)
        for process in processes:
            wait_until_healthy(process)
            assert httpx2.get(f"{process.url}/readyz", timeout=10, trust_env=False).status_code == 200
        greeted = [process for process in processes if "Your read & write token" in process.output.read_text()]
        assert len(greeted) == 1
    database = Database(empty_database_url)
    assert is_current(database)
    database.close()
