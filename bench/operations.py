"""Operations a second: links created, listed and changed over REST and as MCP tool calls, on SQLite and PostgreSQL.

One server process on one core, one client machine's load on the other; a workspace with 10,000 links, on the plan
`unlimited` and on `pro` with its limits counted and raised. Ends with status 1 where a floor is missed. See README.md
in this folder.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from operation_requests import FACES, LINKS, WRK_SCRIPT, code_of, write_requests
from psycopg.sql import SQL, Identifier
from servers import Side, free_port, parse_options, running, take_turn, wait_for
from sqlalchemy import text

from shortmcp.adapters.schema import migrate
from shortmcp.app.node import Node, make_node
from shortmcp.core.context import OPERATOR, Caller, Context, Scope
from shortmcp.core.links.models import LinkCreate
from shortmcp.core.links.operations import create_short_link
from shortmcp.core.projects import ProjectCreate, create_project
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import create_workspace
from shortmcp.settings import Settings

OPEN_LOOP = Path(__file__).with_name("open_loop.py")
SERVE = ("-m", "shortmcp", "serve", "--workers", "1")
POSTGRES = os.environ.get("SHORTMCP_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
# Operations a second for each database, and milliseconds at half of that.
FLOORS, SLOWEST = {"sqlite": 1000, "postgresql": 600}, 20.0
CONNECTIONS = 16
INSERT_SECONDS = 2.0
PLANS = """
[pro]
links = 10_000_000
requests_per_minute = 1_000_000_000
calls_per_month = 1_000_000_000
"""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    database: str
    plan: str
    face: str
    operation: str
    rate: float
    cost: float
    slowest: float
    errors: int

    def misses(self) -> list[str]:
        """What is asked for and was not reached."""
        floor, missed = FLOORS[self.database], list[str]()
        if self.rate < floor:
            missed.append(f"{self.rate:,.0f} operations a second; at least {floor} are asked for")
        if self.slowest > SLOWEST:
            missed.append(f"p99 of {self.slowest:.1f} ms at half the floor; at most {SLOWEST:.0f} are asked for")
        if self.errors:
            missed.append(f"{self.errors} requests were refused or not answered in time")
        return missed


def main() -> int:
    """Measure, print, compare."""
    options = read_options()
    rows = list[Row]()
    for database in options.database:
        bare = insert_rate(database, options)
        print(f"\n{database}: {bare:,.0f} single-row INSERTs a second with the driver alone, each a transaction\n")
        print(
            f"{'plan':10} {'face':5} {'operation':10} {'best op/s':>10} {'of INSERT':>10} {'cpu us':>8} {'p99 ms':>8}"
        )
        for row in measure(database, options):
            rows.append(row)
            print(
                f"{row.plan:10} {row.face:5} {row.operation:10} {row.rate:10,.0f} {row.rate / bare:10.2f} "
                f"{row.cost:8.0f} {row.slowest:8.2f}",
                flush=True,
            )
    print()
    missed = [(row, miss) for row in rows for miss in row.misses()]
    for row, miss in missed:
        print(f"{row.database}, {row.plan}, {row.face}, {row.operation}: {miss}.")
    return int(bool(missed))


def read_options() -> argparse.Namespace:
    """The command line: that of all comparisons of servers, and which part of the table."""
    parts = argparse.ArgumentParser(add_help=False)
    parts.add_argument("--database", nargs="+", choices=list(FLOORS), default=list(FLOORS))
    parts.add_argument("--plan", nargs="+", default=["unlimited", "pro"])
    parts.add_argument("--face", nargs="+", choices=list(FACES), default=list(FACES))
    parts.add_argument("--operation", nargs="+", default=["create", "list", "update"])
    parts.add_argument("--no-worker", action="store_true", help="Leave jobs and counting to another process.")
    chosen, rest = parts.parse_known_args()
    sys.argv[1:] = rest
    options = parse_options(f"{__doc__}\n{parts.format_usage()}", rounds=2)
    return argparse.Namespace(**vars(options), **vars(chosen))


def measure(database: str, options: argparse.Namespace) -> Generator[Row]:
    """One server with one database; the rows of its table."""
    with tempfile.TemporaryDirectory(dir=options.dir) as name, fresh(database, Path(name)) as url:
        folder, port = Path(name), free_port()
        (folder / "plans.toml").write_text(PLANS)
        node = make_node(Settings(port=port, data_dir=folder, database_url=url, plans=folder / "plans.toml"))
        migrate(node.database)
        tokens = {plan: open_workspace(node, plan) for plan in options.plan}
        settle(node)
        node.database.close()
        command = [sys.executable, *SERVE, "--port", str(port), "--data-dir", name, "--database-url", url]
        command += ["--plans", str(folder / "plans.toml"), *(["--no-worker"] if options.no_worker else [])]
        with running(command, options, folder / "server.txt") as process:
            wait_for(f"http://127.0.0.1:{port}/healthz")
            for plan, token in tokens.items():
                for face in options.face:
                    for operation in options.operation:
                        path = folder / "requests"
                        write_requests(path, FACES[face](plan, token)[operation])
                        side = Side(f"{database} {plan} {face} {operation}", port, process=process)
                        yield load(side, path, options, (database, plan, face, operation))


def load(side: Side, path: Path, options: argparse.Namespace, names: tuple[str, str, str, str]) -> Row:
    """One operation: as fast as it can, then at half the rate that is asked for."""
    for number in range(options.rounds + 1):
        script = path.with_suffix(".lua")
        script.write_text(WRK_SCRIPT % {"path": path, "start": time.time_ns() // 1000 % 10**8})
        take_turn(side, script, options, keep=number > 0, connections=CONNECTIONS)
    rate = FLOORS[names[0]] / 2
    command = [sys.executable, str(OPEN_LOOP), str(side.port), str(path), str(rate), str(options.seconds)]
    done = subprocess.run(["taskset", "-c", options.client_core, *command], capture_output=True, text=True, check=True)
    _, slowest, errors = done.stdout.split()
    return Row(*names, max(side.rates), min(side.costs), float(slowest), int(errors))


def open_workspace(node: Node, plan: str) -> str:
    """A workspace with its links; returns a token of it."""
    work = node.work()
    with work.begin(OPERATOR, Scope.WRITE) as ctx:
        workspace = create_workspace(ctx, f"Bench {plan}", plan)
        caller = Caller(workspace.id or 0, 0, Scope.WRITE, ctx.site.plans[plan])
        token = create_token(ctx, workspace.slug, "bench", Scope.WRITE)[1]
    with work.begin(caller, Scope.WRITE) as ctx:
        create_project(ctx, ProjectCreate(name="Bench"))
    for start in range(0, LINKS, 1000):
        with work.begin(caller, Scope.WRITE) as ctx:
            make_links(ctx, range(start, start + 1000), plan)
    return token


def make_links(ctx: Context, numbers: range, plan: str) -> None:
    """Some of the links that are there from the beginning."""
    for number in numbers:
        url, code = f"https://site-{number % 97}.example.com/{plan}/{number}", code_of(plan, number)
        create_short_link(ctx, LinkCreate(original_url=url, title=f"Link {number}", short_code=code))


def settle(node: Node) -> None:
    """Nobody is to be busy with the links that are there from the beginning."""
    with node.database.write() as connection:
        connection.execute(text("DELETE FROM jobs"))
    if not node.database.is_sqlite:
        with psycopg.connect(node.database.conninfo, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    node.database.checkpoint()


@contextmanager
def fresh(database: str, folder: Path) -> Generator[str]:
    """The URL of a database that nobody else has."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'shortmcp.db'}"
        return
    name = f"shortmcp_bench_{uuid4().hex}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def insert_rate(database: str, options: argparse.Namespace) -> float:
    """Rows a second that a driver alone inserts over one connection, one in each transaction."""
    made, row = (
        "CREATE TABLE bare (id INTEGER PRIMARY KEY, code TEXT, url TEXT)",
        ("abcdef", "https://example.com/" * 3),
    )
    with tempfile.TemporaryDirectory(dir=options.dir) as name, fresh(database, Path(name)) as url:
        if database == "sqlite":
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
                for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 0"):
                    connection.execute(f"PRAGMA {pragma}")
                connection.execute(made)
                return count(lambda: connection.execute("INSERT INTO bare (code, url) VALUES (?, ?)", row))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(made.replace("INTEGER", "SERIAL"))
            return count(lambda: connection.execute("INSERT INTO bare (code, url) VALUES (%s, %s)", row))


def count(insert: Callable[[], object]) -> float:
    """How often a second."""
    number, began = 0, time.monotonic()
    while (spent := time.monotonic() - began) < INSERT_SECONDS:
        insert()
        number += 1
    return number / spent


if __name__ == "__main__":
    raise SystemExit(main())
