"""The first run, and another process that has it at the same moment."""

from typing import Any

import pytest
from sqlalchemy import event

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.core.context import Site
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.usage import Meter
from shortmcp.core.welcome import set_up

SITE = Site("http://127.0.0.1", frozenset(), DEFAULT_PLANS)


def make_work(database: Database) -> SqlWork:
    return SqlWork(database, SITE, Meter(), lambda _: None)


def test_an_empty_instance_gets_a_token_and_the_next_start_none(database: Database) -> None:
    first, second = set_up(make_work(database)), set_up(make_work(database))

    assert first is not None
    assert second is None


# SQLite lets nobody in between: it has one writer.
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_whoever_finds_the_instance_empty_but_comes_second_sets_nothing_up(
    database: Database, database_url: str
) -> None:
    faster = Database(database_url)
    tokens: list[str | None] = []

    def overtake(*arguments: Any) -> None:
        if "FROM workspaces" in arguments[2] and not tokens:
            tokens.append(set_up(make_work(faster)))

    event.listen(database.writer, "after_cursor_execute", overtake)
    tokens.append(set_up(make_work(database)))
    faster.close()

    assert tokens[0] is not None
    assert tokens[1] is None
