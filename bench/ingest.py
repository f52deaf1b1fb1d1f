"""Clicks a second that `shortmcp worker` counts, against those that the redirect path produces on another core.

First: how many redirects a second `shortmcp serve --no-worker` answers on one core, wrk on the other. Then a journal is
written at that rate on the first core for a minute, while the worker counts on the second; a realistic mix of visits
on 10,000 links (see traffic.py). Meanwhile other writers try the database ten times a second. Beside it the machine's
bare rate: the rows of the same clicks, and nothing else, by `executemany` and by COPY.

PostgreSQL's server has the second core too, as far as the process may say so. Ends with status 1 where more than two
seconds of clicks wait at the end, or where a click is missing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psycopg
from servers import Side, free_port, processor_seconds, running, take_turn, wait_for
from sqlalchemy import text
from sqlmodel import Session
from traffic import LINKS, Traffic

from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import migrate
from shortmcp.clicks.backlog import backlog_bytes
from shortmcp.clicks.counting import ClickBatch
from shortmcp.clicks.enrich import Enricher
from shortmcp.clicks.journal import Journal
from shortmcp.clicks.storing import open_store
from shortmcp.clicks.visits import Visit, encode_visit
from shortmcp.core.codes import ShortCode
from shortmcp.core.errors import OperationError
from shortmcp.core.links.tables import Link
from shortmcp.core.projects import Project
from shortmcp.core.workspaces import Workspace

ROOT = Path(__file__).parent.parent
SHORTMCP = str(ROOT / ".venv/bin/shortmcp")
POSTGRES = os.environ.get("SHORTMCP_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
MOST_SECONDS_BEHIND = 2.0
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
POOL = 200_000
LINE_BYTES = 222
WRK_SCRIPT = """
local requests, turn = {}, 0
function init(arguments)
  for line in io.lines("%s") do
    local code, agent, referrer, language, query = line:match("^(.-)\\t(.-)\\t(.-)\\t(.-)\\t(.-)$")
    local headers = {["User-Agent"] = agent, ["Referer"] = referrer, ["Accept-Language"] = language}
    requests[#requests + 1] = wrk.format("GET", "/" .. code .. "?" .. query, headers)
  end
end
function request()
  turn = turn %% #requests + 1
  return requests[turn]
end
"""


@dataclass
class Seen:
    """What was measured of one run."""

    rate: float = 0
    backlogs: list[int] = field(default_factory=list[int])
    waits: list[float] = field(default_factory=list[float])
    counted: int = 0
    written: int = 0
    seconds: float = 0
    ours: float = 0
    server: dict[int, float] = field(default_factory=dict[int, float])
    bare: float = 0


def main() -> int:
    """Measure, print, compare."""
    if sys.argv[1:2] == ["--write"]:
        write_journal(Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
        return 0
    options = read_options()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        rate = options.rate or measure_redirects(Path(folder), options)
        print(f"clicks a second to be counted: {rate:,.0f}", flush=True)
        runs = {kind: run(kind, Path(folder) / kind, rate, options) for kind in options.database or DATABASES}
    return report(runs)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=float, help="Clicks a second; without it, as many as redirects are answered.")
    parser.add_argument("--database", choices=list(DATABASES), action="append")
    parser.add_argument("--server-core", default="0")
    parser.add_argument("--client-core", default="1")
    parser.add_argument("--dir", type=Path, help="Where databases and journals are made; a real disk is honest.")
    return parser.parse_args()


def measure_redirects(folder: Path, options: argparse.Namespace) -> float:
    """The best of five rounds of redirects, clicks journalled and not counted."""
    home = folder / "redirects"
    make_links(Database(f"sqlite:///{home}/shortmcp.db"))
    lines = ("\t".join((f"code{link}", *words)) for link, _, *words in Traffic().visits(50_000))
    (folder / "visits").write_text("\n".join(lines))
    script = folder / "visit.lua"
    script.write_text(WRK_SCRIPT % (folder / "visits"))
    side = Side("serve --no-worker", free_port())
    command = [SHORTMCP, "serve", "--no-worker", "--port", str(side.port), "--data-dir", str(home)]
    with running(command, options, folder / "serve.txt") as side.process:
        wait_for(side.url + "/healthz")
        for number in range(6):
            load = SimpleNamespace(seconds=3, client_core=options.client_core)
            take_turn(side, script, load, keep=number > 0, connections=32)  # pyright: ignore[reportArgumentType]
    print(f"a redirect: {min(side.costs):.1f} us of processor time", flush=True)
    return max(side.rates)


def run(kind: str, home: Path, rate: float, options: argparse.Namespace) -> Seen:
    """Let a worker count what is written at a rate."""
    seen = Seen(rate)
    with ExitStack() as stack:
        url = stack.enter_context(DATABASES[kind](home))
        database = Database(url)
        stack.callback(database.close)
        make_links(database)
        seen.bare = measure_bare(database)
        beside = argparse.Namespace(server_core=options.client_core)
        command = [SHORTMCP, "worker", "--data-dir", str(home), "--database-url", url]
        worker = stack.enter_context(running(command, beside, home / "worker.txt"))
        writer = ["taskset", "-c", options.server_core, sys.executable, __file__, "--write"]
        with subprocess.Popen([*writer, str(home / "clicks"), str(rate), str(options.seconds)]) as writing:
            watch(seen, database, home, worker, writing, options)
    return seen


def watch(
    seen: Seen,
    database: Database,
    home: Path,
    worker: int,
    writing: "subprocess.Popen[bytes]",
    options: argparse.Namespace,
) -> None:
    """Look at the backlog until the journal is written, and count when all of it is counted."""
    folder = home / "clicks"
    while not list(folder.glob("*.log")):
        time.sleep(0.01)
    spent, begin = processor_seconds(worker), time.monotonic()
    # What is seen now is what a writer that starts later would add to.
    while writing.poll() is None:
        time.sleep(0.1)
        seen.backlogs.append(backlog(database, folder))
        seen.waits.append(try_to_write(database))
        note_server(seen, database, options.client_core)
    seen.seconds = time.monotonic() - begin
    seen.ours = processor_seconds(worker) - spent
    seen.counted = count(database)
    seen.written = int((home / "clicks" / "written").read_text())
    while backlog(database, folder):
        time.sleep(0.1)
    if count(database) != seen.written:
        raise SystemExit(f"{seen.written:,} clicks were written, {count(database):,} are counted.")


def backlog(database: Database, folder: Path) -> int:
    """Bytes of the journal that wait."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT file, position FROM journal_offsets")).all()
    return backlog_bytes(folder, dict(map(tuple, rows)))


def try_to_write(database: Database) -> float:
    """Milliseconds that a small write takes."""
    begin = time.perf_counter()
    with suppress(OperationError), database.write() as connection:
        connection.execute(text("UPDATE workspaces SET name = name"))
    return (time.perf_counter() - begin) * 1000


def note_server(seen: Seen, database: Database, core: str) -> None:
    """What PostgreSQL's processes for the worker have used up; the first time they get their core."""
    if database.is_sqlite:
        return
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.read() as connection:
        processes = connection.execute(text(query)).scalars().all()
    for process in processes:
        with suppress(OSError):
            if process not in seen.server:
                os.sched_setaffinity(process, {int(core)})
            seen.server[process] = processor_seconds(process)


def count(database: Database) -> int:
    """Clicks in the database."""
    with database.read() as connection:
        return int(connection.execute(text("SELECT coalesce(sum(total + bots), 0) FROM link_totals")).scalar_one())


def make_links(database: Database) -> None:
    """An empty instance with its links."""
    migrate(database)
    numbers = range(1, LINKS + 1)
    with database.write() as connection, Session(connection) as session:
        session.add(Workspace(id=1, name="A", slug="a", plan="unlimited", created_at=MOMENT))
        session.flush()
        session.add(Project(id=1, workspace_id=1, name="A", slug="a", created_at=MOMENT, updated_at=MOMENT))
        session.flush()
        session.add_all(make_link(number) for number in numbers)
        session.flush()
        session.add_all(ShortCode(domain="", code=f"code{number}", workspace_id=1, kind="link") for number in numbers)
        session.commit()


def make_link(number: int) -> Link:
    """A link."""
    return Link(
        id=number,
        workspace_id=1,
        project_id=1,
        short_code=f"code{number}",
        original_url=f"https://example.com/{number}",
        title=str(number),
        created_at=MOMENT,
        updated_at=MOMENT,
    )


def measure_bare(database: Database) -> float:
    """Rows of clicks a second, without counts and visitors; taken away again."""
    enricher, traffic = Enricher(lambda _: "AT"), Traffic(2)
    batches = [
        ClickBatch(
            [enricher.enrich(Visit(link, 0, *words, False)) for link, *words in traffic.visits(10_000)], range(10_000)
        )
        for _ in range(10)
    ]
    spent = 0.0
    for batch in batches:
        rows = list(batch.rows([]))
        begin = time.perf_counter()
        with database.write(durable=True) as connection:
            open_store(connection).add_clicks(rows)
        spent += time.perf_counter() - begin
    with database.write() as connection:
        connection.execute(text("DELETE FROM clicks"))
    return 100_000 / spent


def write_journal(folder: Path, rate: float, seconds: float) -> None:
    """Write visits at a rate, as redirects do."""
    visits = Traffic(3).visits(POOL)
    with closing(Journal(folder)) as journal:
        begin, number = time.monotonic(), 0
        while (passed := time.monotonic() - begin) < seconds:
            now = time.time_ns() // 1_000_000
            due = int(rate * passed)
            for turn in range(number, due):
                link, *words = visits[turn % POOL]
                journal.write(encode_visit(link, now, *words, False))
            number = max(number, due)
            time.sleep(0.002)
        if journal.written < rate * seconds * 0.98:
            print(f"The writer itself reached only {journal.written / seconds:,.0f} a second.", file=sys.stderr)
    (folder / "written").write_text(str(journal.written))


def report(runs: dict[str, Seen]) -> int:
    """Print the table; 1 where the worker falls behind."""
    print(
        f"{'':12} {'written/s':>10} {'counted/s':>10} {'cpu us':>7} {'server':>7} {'most waiting s':>15} "
        f"{'at the end s':>13} {'write p50 ms':>13} {'p99 ms':>7} {'bare rows/s':>12}"
    )
    is_good = True
    for kind, seen in runs.items():
        behind = [waiting / LINE_BYTES / seen.rate for waiting in seen.backlogs]
        waits = sorted(seen.waits)
        server = sum(seen.server.values()) / seen.counted * 1e6
        print(
            f"{kind:12} {seen.written / seen.seconds:10,.0f} {seen.counted / seen.seconds:10,.0f} "
            f"{seen.ours / seen.counted * 1e6:7.1f} {server:7.1f} {max(behind):15.2f} {behind[-1]:13.2f} "
            f"{waits[len(waits) // 2]:13.1f} {waits[int(len(waits) * 0.99)]:7.1f} {seen.bare:12,.0f}"
        )
        is_good &= behind[-1] <= MOST_SECONDS_BEHIND
    return int(not is_good)


@contextmanager
def sqlite_url(home: Path) -> Generator[str]:
    """SQLite in the data folder."""
    home.mkdir()
    yield f"sqlite:///{home}/shortmcp.db"


@contextmanager
def postgres_url(home: Path) -> Generator[str]:
    """A database that is dropped afterwards."""
    home.mkdir()
    name = f"shortmcp_ingest_{os.getpid()}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


DATABASES: dict[str, Callable[[Path], "contextmanager[str]"]] = {"sqlite": sqlite_url, "postgresql": postgres_url}

if __name__ == "__main__":
    raise SystemExit(main())
