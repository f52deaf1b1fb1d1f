"""Time of list_short_links in a workspace with a million links, on each database.

Exits with 1 if a median exceeds its limit: 50 ms, and 200 ms for texts that are too short or too common for an index.
Beside the million stand as many again of another workspace, where the same words are.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import create_engine, insert, text

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.adapters.schema import migrate
from shortmcp.adapters.words import add_word_index
from shortmcp.core.context import Caller, Scope, Site
from shortmcp.core.links.operations import list_short_links
from shortmcp.core.lists import Page
from shortmcp.core.plans import Plan
from shortmcp.core.projects import Project
from shortmcp.core.usage import Meter
from shortmcp.core.workspaces import Workspace
from shortmcp.operation import Effect, Operation, Route

LINKS = 1_000_000
OTHERS = int(os.environ.get("SHORTMCP_BENCH_OTHERS", "1000000"))
RUNS = 15
NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = {"created_at": NOW}
INDEXED, READ = 50, 200
POSTGRES = os.environ.get("SHORTMCP_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
LIST = Operation(list_short_links, "List short links", (Route("GET", "/links"),), Scope.READ, Effect.READ)

# By arithmetic alone, which both databases do alike. One link in 10,000 is off, one in 1,000 in another project.
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :links)"
    " SELECT n, (n * 2654435761) % 4294967296 AS h FROM numbers",
    "postgresql": "SELECT n, (n * 2654435761) % 4294967296 AS h"
    " FROM generate_series(CAST(0 AS bigint), :links - 1) AS numbers(n)",
}
SEED = """
INSERT INTO links (workspace_id, project_id, domain, short_code, original_url, title, is_active, used_clicks, mask,
                   notify_on_mask_break, analytics_public, forward_query, created_at, updated_at, words)
SELECT :workspace, CASE WHEN n % 1000 = 7 THEN :workspace + 2 ELSE :workspace END, '', code, url, title,
       n % 10000 <> 3, 0, {no}, {no}, {no}, {no}, n, n, lower(url || {break} || code || {break} || title) || {break}
       || {break}
FROM (SELECT n, 'c' || :workspace || n AS code,
             'https://site-' || (h / 7 % 5000) || '.example/path/' || h || '?utm_source=letter' AS url,
             'Title ' || (h / 11 % 977) || CASE WHEN n = 500 THEN ' Quokka' ELSE '' END AS title
      FROM ({numbers}) AS seeds) AS made
"""
# What is asked, and its limit in milliseconds.
QUESTIONS: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "first page": ({}, INDEXED),
    "page 2,500": ({"page": 2500}, INDEXED),
    "last page": ({"page": 50_000}, INDEXED),
    "by cursor": ({"cursor": f"500000.{LINKS}"}, INDEXED),
    "oldest first": ({"sort": "created_at"}, INDEXED),
    "is_active=false": ({"is_active": False}, INDEXED),
    "project": ({"project": "3"}, INDEXED),
    "project, off": ({"project": "1", "is_active": False}, INDEXED),
    "rare word": ({"search": "quokka"}, INDEXED),
    "no such word": ({"search": "wombat"}, INDEXED),
    "one in 5,000": ({"search": "site-4711."}, INDEXED),
    "every link": ({"search": "https"}, READ),
    "every link, page 2,500": ({"search": "https", "page": 2500}, READ),
    "two letters": ({"search": "uo"}, READ),
    "two letters, all": ({"search": "ex"}, READ),
    "one letter": ({"search": "t"}, READ),
    "percent sign": ({"search": "%"}, READ),
    "rare word, off": ({"search": "title 42", "is_active": False}, INDEXED),
}


def main() -> int:
    """Measure both databases and print one line for each question."""
    print(f"{'database':<12}{'asked':<26}{'total':>10}{'first ms':>10}{'median ms':>11}{'limit':>7}")
    missed = 0
    for open_database in (sqlite, postgres):
        with open_database() as database:
            seed(database)
            work = SqlWork(database, Site("http://short.test", frozenset(), {}), Meter(), lambda _: None)
            for name, (asked, limit) in QUESTIONS.items():
                total, times = measure(work, asked)
                median = statistics.median(times)
                missed += median > limit
                line = f"{database.url.get_backend_name():<12}{name:<26}{total:>10}"
                print(f"{line}{times[0]:>10.1f}{median:>11.1f}{limit:>7}{'  MISSED' * (median > limit)}", flush=True)
    return int(missed > 0)


@contextmanager
def sqlite() -> Generator[Database]:
    """A database in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        yield database
        database.close()


@contextmanager
def postgres() -> Generator[Database]:
    """A database that is dropped afterwards."""
    name = f"shortmcp_bench_{os.getpid()}"
    server = create_engine(f"{POSTGRES}/postgres".replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        database = Database(f"{POSTGRES}/{name}")
        try:
            yield database
        finally:
            database.close()
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def seed(database: Database) -> None:
    """Fill an empty database through the triggers that keep its counts and its index of words."""
    migrate(database)
    dialect = database.url.get_backend_name()
    names = {"numbers": NUMBERS[dialect], "no": "false", "break": "char(10)" if database.is_sqlite else "chr(10)"}
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            # Made anew below, which is quicker than adding to it a million times.
            connection.execute(text("DROP INDEX IF EXISTS ix_links_words"))
        for workspace, links in ((1, LINKS), (2, OTHERS)):
            connection.execute(insert(Workspace).values(id=workspace, name="B", slug=f"b{workspace}", plan="", **AT))
            for project in (workspace, workspace + 2):
                place = {"id": project, "workspace_id": workspace, "slug": f"b{project}", "updated_at": NOW}
                connection.execute(insert(Project).values(name="B", **place, **AT))
            connection.execute(text(SEED.format(**names)), {"workspace": workspace, "links": links})
        if not database.is_sqlite:
            add_word_index(connection)
    database.checkpoint()
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not database.is_sqlite:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))


def measure(work: SqlWork, asked: Mapping[str, Any]) -> tuple[int, list[float]]:
    """The total that was answered, and the milliseconds of each answer."""
    caller, times = Caller(1, 1, Scope.READ, Plan()), list[float]()
    page: Page[Any] | None = None
    for _ in range(RUNS):
        begin = time.perf_counter()
        page = LIST.perform(work, caller, asked)
        times.append((time.perf_counter() - begin) * 1000)
    assert page is not None
    assert len(page.data) == min(20, page.total)
    return page.total, times


if __name__ == "__main__":
    sys.exit(main())
