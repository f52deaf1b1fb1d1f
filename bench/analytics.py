"""Time of get_link_analytics on one link with two million clicks in 30 days, per database and time zone.

Exits with 1 if a median exceeds 50 ms. `first` is the first answer, before anything is remembered or cached.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, create_engine, text
from sqlmodel import Session, SQLModel

from shortmcp.core.analytics.answers import get_link_analytics
from shortmcp.core.analytics.models import LinkAnalytics, LinkAnalyticsQuery
from shortmcp.core.analytics.tables import DIMENSIONS
from shortmcp.core.context import Caller, Context, Scope, Site
from shortmcp.core.links.tables import Link
from shortmcp.core.plans import Plan
from shortmcp.core.projects import Project
from shortmcp.core.usage import Meter
from shortmcp.core.workspaces import Workspace

DAYS = 30
CLICKS_A_DAY = 2_000_000 // DAYS
RUNS = 25
LIMIT_MILLISECONDS = 50
ZONES = ("UTC", "Europe/Vienna", "Asia/Kathmandu", "America/Los_Angeles")
FIRST_DAY = datetime(2026, 5, 1, tzinfo=UTC)
# After the last click, so that both edges of the period are cut out of a full day: the most work there can be.
NOW = FIRST_DAY + timedelta(days=DAYS + 5)
DAY_MILLISECONDS = 86_400_000
POSTGRES = os.environ.get("SHORTMCP_BENCH_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432")

# By arithmetic alone, which both databases do alike: 200 referrers, 60 countries, 30 languages, 5 % bots.
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :clicks)"
    " SELECT n, (n * 2654435761) % 4294967296 AS h FROM numbers",
    "postgresql": "SELECT n, (n * 2654435761) % 4294967296 AS h"
    " FROM generate_series(CAST(0 AS bigint), :clicks - 1) AS numbers(n)",
}
CLICKS = """
INSERT INTO clicks (link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, browser,
                    utm_source, utm_medium, utm_campaign, utm_term, utm_content)
SELECT 1, moment, is_bot, NOT is_bot AND n = min(n) OVER (PARTITION BY moment / 86400000, is_bot, visitor), visitor,
       'https://site-' || (h / 7 % 200) || '.example/some/path', 'C' || (h / 11 % 60), 'l' || (h / 13 % 30),
       'device' || (h / 17 % 3), 'os' || (h / 19 % 5), 'browser' || (h / 23 % 5), '', '', '', '', ''
FROM (SELECT n, h, :start + n * :span / :clicks AS moment, h % 20 = 0 AS is_bot,
             n * :span / :clicks / 86400000 * 10000000000 + h % 55001 AS visitor FROM ({numbers}) AS seeds) AS visits
ORDER BY n
"""
ROLL_UP = """
INSERT INTO {table} SELECT link_id, clicked_at / {length}, sum(CASE WHEN is_bot THEN 0 ELSE 1 END),
       sum(CASE WHEN is_first THEN 1 ELSE 0 END), sum(CASE WHEN is_bot THEN 1 ELSE 0 END) FROM clicks GROUP BY 1, 2
"""
VALUES = """
INSERT INTO link_values SELECT link_id, clicked_at / 86400000, {number}, {column}, count(*)
FROM clicks WHERE NOT is_bot GROUP BY 1, 2, 4
"""


def main() -> int:
    """Measure both databases and print one line for each time zone."""
    print(f"{'database':<12}{'zone':<22}{'first ms':>10}{'median ms':>11}{'fastest ms':>12}")
    medians: list[float] = []
    for open_database in (sqlite, postgres):
        with open_database() as engine:
            seed(engine)
            for zone, times in measure(engine).items():
                medians.append(statistics.median(times))
                name = f"{engine.dialect.name:<12}{zone:<22}"
                print(f"{name}{times[0]:>10.1f}{medians[-1]:>11.1f}{min(times):>12.1f}", flush=True)
    return int(max(medians) > LIMIT_MILLISECONDS)


@contextmanager
def sqlite() -> Generator[Engine]:
    """A database in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/bench.db")
        yield engine
        engine.dispose()


@contextmanager
def postgres() -> Generator[Engine]:
    """A database that is dropped afterwards."""
    name = f"shortmcp_bench_{os.getpid()}"
    server = create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        engine = create_engine(f"{POSTGRES}/{name}")
        try:
            yield engine
        finally:
            engine.dispose()
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def seed(engine: Engine) -> None:
    """Fill an empty database; a day more on both sides lets every zone's period end within full days."""
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        for row in (
            Workspace(id=1, name="Bench", slug="bench", plan="unlimited", created_at=NOW),
            Project(id=1, workspace_id=1, name="Bench", slug="bench", created_at=NOW, updated_at=NOW),
            Link(
                id=1,
                workspace_id=1,
                project_id=1,
                short_code="bench",
                original_url="https://example.com/",
                title="Bench",
                created_at=NOW,
                updated_at=NOW,
            ),
        ):
            session.add(row)
            session.flush()
        session.commit()
    start = int(FIRST_DAY.timestamp()) * 1000 - DAY_MILLISECONDS
    values = {"clicks": CLICKS_A_DAY * (DAYS + 2), "start": start, "span": DAY_MILLISECONDS * (DAYS + 2)}
    with engine.begin() as connection:
        connection.execute(text(CLICKS.format(numbers=NUMBERS[engine.dialect.name])), values)
        connection.execute(text(ROLL_UP.format(table="link_days", length=DAY_MILLISECONDS)))
        connection.execute(text(ROLL_UP.format(table="link_quarters", length=900_000)))
        for number, column in enumerate(DIMENSIONS):
            connection.execute(text(VALUES.format(number=number, column=column)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE"))


def measure(engine: Engine) -> dict[str, list[float]]:
    """Milliseconds of each answer by time zone; the zones take turns, so that a noisy moment hits all of them."""
    times: dict[str, list[float]] = {zone: [] for zone in ZONES}
    for _ in range(RUNS):
        for zone, taken in times.items():
            begin = time.perf_counter()
            answer = ask(engine, zone)
            taken.append((time.perf_counter() - begin) * 1000)
            check(answer)
    return times


def ask(engine: Engine, zone: str) -> LinkAnalytics:
    """Answer once, in a transaction of its own."""
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    asked = {"short_code": "bench", "dateFrom": f"{FIRST_DAY:%Y-%m-%d}", "dateTo": f"{last_day:%Y-%m-%d}"}
    with Session(engine) as session:
        caller = Caller(1, 1, Scope.READ, Plan())
        context = Context(session, caller, NOW, Site("http://short.test", frozenset(), {}), Meter())
        return get_link_analytics(context, LinkAnalyticsQuery.model_validate({**asked, "timezone": zone}))


def check(answer: LinkAnalytics) -> None:
    """Every breakdown adds up to the total, and the total to what was seeded."""
    stats = answer.period_stats
    assert abs(stats.total + stats.bots - CLICKS_A_DAY * DAYS) <= DAYS
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
        assert sum(row.total for row in part) == stats.total


if __name__ == "__main__":
    sys.exit(main())
