"""Analytics, disk space and retention with fifty million clicks: 10 million on one link, 1 million on another.

Another link is quiet (320 clicks), the other clicks are spread over 10,000 links. Prints, for each database, the
bytes per click on disk beside those of the bare rows, the time of get_link_analytics by link and time zone, and how
long a step of retention holds the database. `first` is the first answer, before anything is remembered or cached.

Ends with status 1 where a median exceeds 50 ms, where the median for the link with ten times the clicks is 1.5 times
the other's or more, or where a step takes more than 100 ms. Takes an hour and 25 GB; less with --clicks.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from history_seed import DAYS, FIRST_DAY, HOT, QUIET, WARM, seed
from sqlalchemy import create_engine, text
from sqlmodel import Session

from shortmcp.adapters.database import Database
from shortmcp.clicks.purge import purge_deleted_links, purge_old_clicks
from shortmcp.core.analytics.answers import get_link_analytics
from shortmcp.core.analytics.models import LinkAnalytics, LinkAnalyticsQuery
from shortmcp.core.context import Caller, Context, Scope, Site
from shortmcp.core.plans import Plan
from shortmcp.core.usage import Meter

MOST_MILLISECONDS = 50
MOST_GROWTH = 1.5
MOST_STEP_MILLISECONDS = 100
RUNS = 15
STEPS = 200
ZONES = ("UTC", "Europe/Vienna", "Asia/Kathmandu", "America/Los_Angeles")
LINKS = {"hot": HOT, "warm": WARM, "quiet": QUIET}
NOW = FIRST_DAY + timedelta(days=DAYS + 5)
POSTGRES = os.environ.get("SHORTMCP_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
_SIZES = {
    "sqlite": "SELECT name, sum(pgsize) FROM dbstat GROUP BY name",
    "postgresql": "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind IN ('r', 'i')",
}
_ROLL_UPS = ("link_days", "link_quarters", "link_values", "link_totals")


def main() -> int:
    """Seed, ask and purge on both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=50_000_000)
    parser.add_argument("--dir", type=Path, help="Where SQLite's file is made.")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    options = parser.parse_args()
    is_good = True
    for kind in options.database or ["sqlite", "postgresql"]:
        with sqlite(options.dir) if kind == "sqlite" else postgres() as database:
            begin = time.monotonic()
            seed(database, options.clicks, tell)
            print(f"\n{kind}: {options.clicks:,} clicks, seeded in {time.monotonic() - begin:,.0f} s")
            print_sizes(database, options.clicks)
            is_good &= print_answers(database)
            is_good &= print_steps(database)
    return int(not is_good)


def tell(words: str) -> None:
    """How far the seeding is."""
    print(f"  {words}", file=sys.stderr, flush=True)


@contextmanager
def sqlite(folder: Path | None) -> Generator[Database]:
    """A database in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        database = Database(f"sqlite:///{home}/history.db")
        yield database
        database.close()


@contextmanager
def postgres() -> Generator[Database]:
    """A database that is dropped afterwards."""
    name = f"shortmcp_history_{os.getpid()}"
    url = f"{POSTGRES}/postgres".replace("postgresql:", "postgresql+psycopg:")
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        database = Database(f"{POSTGRES}/{name}")
        try:
            yield database
        finally:
            database.close()
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def print_sizes(database: Database, clicks: int) -> None:
    """Bytes per click on disk, by what they are for."""
    with database.read() as connection:
        kind = connection.dialect.name
        sizes: dict[str, int] = {name: int(size) for name, size in connection.execute(text(_SIZES[kind])).all()}
    parts = {"bare rows": sizes["clicks"], "their indexes": 0, "roll-ups": 0, "all": 0}
    for name, size in sizes.items():
        parts["all"] += size
        parts["their indexes"] += size * (name in {"pk_clicks", "ix_clicks_link_id_clicked_at"})
        parts["roll-ups"] += size * name.removeprefix("pk_").startswith(_ROLL_UPS)
    print("  bytes per click: " + ", ".join(f"{name} {size / clicks:.1f}" for name, size in parts.items()))


def print_answers(database: Database) -> bool:
    """The time of an answer by link and zone; whether all are quick enough."""
    times = measure(database)
    print(f"  {'link':<8}{'zone':<22}{'first ms':>10}{'median ms':>11}{'fastest ms':>12}")
    medians: dict[tuple[str, str], float] = {}
    for (name, zone), taken in times.items():
        medians[name, zone] = statistics.median(taken)
        print(f"  {name:<8}{zone:<22}{taken[0]:>10.1f}{medians[name, zone]:>11.1f}{min(taken):>12.1f}", flush=True)
    growth = {zone: medians["hot", zone] / medians["warm", zone] for zone in ZONES}
    print("  growth from warm to hot: " + ", ".join(f"{zone} {ratio:.2f}" for zone, ratio in growth.items()))
    return max(medians.values()) < MOST_MILLISECONDS and max(growth.values()) < MOST_GROWTH


def measure(database: Database) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of each answer; links and zones take turns, so that a noisy moment hits all of them."""
    times: dict[tuple[str, str], list[float]] = {(name, zone): [] for name in LINKS for zone in ZONES}
    for _ in range(RUNS):
        for (name, zone), taken in times.items():
            begin = time.perf_counter()
            answer = ask(database, name, zone)
            taken.append((time.perf_counter() - begin) * 1000)
            check(answer)
    return times


def ask(database: Database, code: str, zone: str) -> LinkAnalytics:
    """Answer once, in a transaction of its own."""
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    asked = {"short_code": code, "dateFrom": f"{FIRST_DAY:%Y-%m-%d}", "dateTo": f"{last_day:%Y-%m-%d}"}
    with database.reading() as session:
        caller = Caller(1, 1, Scope.READ, Plan())
        context = Context(session, caller, NOW, Site("http://short.test", frozenset(), {}), Meter())
        return get_link_analytics(context, LinkAnalyticsQuery.model_validate({**asked, "timezone": zone}))


def check(answer: LinkAnalytics) -> None:
    """Every breakdown adds up to the total."""
    for part in (
        answer.days,
        answer.hours,
        answer.day_of_week,
        answer.referrers,
        answer.countries,
        answer.languages,
        answer.devices,
        answer.operating_systems,
        answer.browsers,
    ):
        assert sum(row.total for row in part) == answer.period_stats.total > 0


def print_steps(database: Database) -> bool:
    """How long retention's steps hold the database, on the hot link; whether none holds it for too long."""
    day = (FIRST_DAY - datetime(1970, 1, 1, tzinfo=UTC)).days + DAYS // 2
    with database.write() as connection, Session(connection) as session:
        session.execute(text("INSERT INTO link_purges (link_id) VALUES (:link)"), {"link": WARM})
        session.commit()
    is_good = True
    for name, step in (
        ("old clicks of the hot link", lambda: purge_old_clicks(database.write, HOT, day)),
        ("a deleted link", lambda: purge_deleted_links(database.write)),
    ):
        taken: list[float] = []
        gone = 0
        for _ in range(STEPS):
            begin = time.perf_counter()
            gone += step()
            taken.append((time.perf_counter() - begin) * 1000)
        database.checkpoint()
        print(
            f"  {name}: {gone:,} rows in {STEPS} steps, median {statistics.median(taken):.0f} ms, "
            f"slowest {max(taken):.0f} ms, {gone / sum(taken) * 1000:,.0f} rows/s"
        )
        is_good &= max(taken) <= MOST_STEP_MILLISECONDS
    return is_good


if __name__ == "__main__":
    sys.exit(main())
