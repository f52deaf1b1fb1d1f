"""What a click, a count, a link and a known link weigh: bytes on disk on each database, bytes of memory in a process.

No floor: the numbers go into costs.toml. `--clicks` visits of a day on 10,000 links by Zipf are counted by the real
ingester, out of a real journal; the processor time that it takes, and PostgreSQL's, is printed beside.
"""

import argparse
import os
import socket
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import uuid4

import psycopg
from sqlalchemy import text

sys.path[0] = str(Path(__file__).parent.parent / "tests")

from processes import serve  # noqa: E402 - see above
from rows import insert_links  # noqa: E402
from shortmcp.adapters.database import Database  # noqa: E402
from shortmcp.adapters.geoip import open_countries  # noqa: E402
from shortmcp.adapters.lookup import SqliteReader  # noqa: E402
from shortmcp.adapters.schema import migrate  # noqa: E402
from shortmcp.clicks.enrich import Enricher  # noqa: E402
from shortmcp.clicks.ingest import Ingester  # noqa: E402
from shortmcp.clicks.journal import Journal  # noqa: E402
from shortmcp.clicks.resolve import Resolver  # noqa: E402
from shortmcp.clicks.visits import encode_visit  # noqa: E402

LINKS = 10_000
CONNECTIONS = 500
POSTGRES = os.environ.get("SHORTMCP_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
SEEDS = (
    "INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)",
    "INSERT INTO projects (id, workspace_id, name, slug, created_at, updated_at) VALUES (1, 1, 'A', 'a', 0, 0)",
)
CODES = """
INSERT INTO short_codes (domain, code, kind, workspace_id) SELECT domain, short_code, 'link', workspace_id FROM links
"""
TABLES = ("clicks", "visitors", "link_totals", "link_days", "link_quarters", "link_values", "links", "short_codes")
DAY = 86_400_000
START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1000
AGENT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 {}Safari/537.36"
SYSTEMS = [
    ("Windows NT 10.0; Win64; x64", ""),
    ("Macintosh; Intel Mac OS X 10_15_7", ""),
    ("Linux; Android 10; K", "Mobile "),
]


def main() -> int:
    """Fill both databases and print what is in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=200_000)
    clicks = parser.parse_args().clicks
    for name in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as folder, opened(name, Path(folder)) as database:
            migrate(database)
            with database.write() as connection:
                empty = weigh(connection)
                for seed in SEEDS:
                    connection.execute(text(seed))
                insert_links(connection, ({"short_code": f"code-{n}", "title": f"Number {n}"} for n in range(LINKS)))
                connection.execute(text(CODES))
            size = write_journal(Path(folder) / "clicks", clicks)
            ours, theirs = count(database, Path(folder) / "clicks")
            pack(database)
            with database.write() as connection:
                weights = weigh(connection)
            print(
                f"{name}: {size / clicks:.0f} bytes of journal a click; counted with {ours / clicks * 1e6:.1f} us of "
                f"processor time a click, and {theirs / clicks * 1e6:.1f} us of PostgreSQL's"
            )
            for table, (rows, taken) in weights.items():
                print(f"  {table:<14}{rows:>10,} rows {(taken - empty[table][1]) / max(rows, 1):>8.0f} bytes each")
            if database.is_sqlite:
                print(f"  a known link takes {known_link(database):.0f} bytes of memory")
    with tempfile.TemporaryDirectory() as folder:
        fresh, idle = web_process(Path(folder))
    print(f"a web process takes {fresh / 1e6:.0f} MB, and {idle / 1e3:.1f} KB for each connection that asked once")
    return 0


@contextmanager
def opened(name: str, folder: Path) -> Generator[Database]:
    """An empty database that is gone afterwards."""
    if name == "sqlite":
        database = Database(f"sqlite:///{folder}/sizes.db")
        yield database
        database.close()
        return
    unique = f"shortmcp_bench_{uuid4().hex}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {unique}")
        database = Database(f"{POSTGRES}/{unique}")
        yield database
        database.close()
        admin.execute(f"DROP DATABASE {unique} WITH (FORCE)")


def write_journal(folder: Path, clicks: int) -> int:
    """A day's visits; returns their bytes."""
    random, journal = Random(1), Journal(folder)  # noqa: S311 - no secret
    weights = [1 / rank for rank in range(1, LINKS + 1)]
    links = random.choices(range(1, LINKS + 1), weights, k=clicks)
    for number, link in enumerate(links):
        system, mobile = random.choice(SYSTEMS)
        journal.write(
            encode_visit(
                link,
                START + number * DAY // clicks,
                f"{random.randrange(1, 224)}.{random.randrange(256)}.{random.randrange(256)}.7",
                AGENT.format(system, random.randrange(118, 142), mobile),
                f"https://site-{min(int(random.paretovariate(0.8)), 500)}.example.com/today",
                random.choice(["de-AT,de;q=0.9,en;q=0.8", "en-US,en;q=0.9", "fr-FR,fr;q=0.9", "pt-BR,pt;q=0.9"]),
                random.choice(["", "", "utm_source=newsletter&utm_medium=mail"]),
                prefetch=False,
            )
        )
    journal.close()
    return sum(path.stat().st_size for path in folder.glob("*.log"))


def count(database: Database, folder: Path) -> tuple[float, float]:
    """Ingest the journal; seconds of processor time of this process and of PostgreSQL's that served it."""
    ingester = Ingester(folder, Enricher(open_countries(None)), lambda: database.write(durable=True), lambda: START)
    before, began = served(database), time.process_time()
    while ingester.run():
        pass
    return time.process_time() - began, served(database) - before


def pack(database: Database) -> None:
    """Leave no room that updates have left: days to come would fill it."""
    if not database.is_sqlite:
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            connection.execute("VACUUM FULL")


def served(database: Database) -> float:
    """Processor seconds of PostgreSQL's process behind the pool's one connection in use."""
    if database.is_sqlite:
        return 0.0
    with database.write() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def weigh(connection) -> dict[str, tuple[int, int]]:  # noqa: ANN001 - a Connection
    """Rows and bytes of each table, its indexes included."""
    found: dict[str, tuple[int, int]] = {}
    for table in TABLES:
        rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
        if connection.dialect.name == "sqlite":
            query = text(
                "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN "
                "(SELECT name FROM sqlite_schema WHERE tbl_name = :table)"
            )
        else:
            query = text("SELECT pg_total_relation_size(CAST(:table AS regclass))")
        found[table] = rows, connection.execute(query, {"table": table}).scalar_one()
    return found


def known_link(database: Database) -> float:
    """Bytes of memory that a process needs for each link that it knows."""
    reader = SqliteReader(database.path)
    resolver = Resolver(reader.read)
    tracemalloc.start()
    for number in range(LINKS):
        resolver.find(f"code-{number}")
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(resolver.known) == LINKS
    return taken / LINKS


def web_process(folder: Path) -> tuple[int, float]:
    """Bytes in memory of a fresh `shortmcp serve`, and what each of many idle connections adds."""
    with serve(folder) as process, ExitStack() as stack:
        fresh = resident(process.popen.pid)
        for _ in range(CONNECTIONS):
            place = "127.0.0.1", int(process.url.rsplit(":", 1)[1])
            connection = stack.enter_context(socket.create_connection(place))
            connection.sendall(b"GET /nobody HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.recv(65536)
        return fresh, (resident(process.popen.pid) - fresh) / CONNECTIONS


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
