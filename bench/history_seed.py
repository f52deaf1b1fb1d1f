"""Fifty million clicks and their counts, made inside the database, one UTC day after the other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text
from sqlmodel import Session

from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import migrate
from shortmcp.core.analytics.tables import DIMENSIONS
from shortmcp.core.links.tables import Link
from shortmcp.core.projects import Project
from shortmcp.core.workspaces import Workspace

DAYS = 30
FIRST_DAY = datetime(2026, 5, 1, tzinfo=UTC)
HOT, WARM, QUIET = 1, 2, 3
# A day more on both sides lets every zone's period end within full days.
SEEDED_DAYS = DAYS + 2
OTHERS = 10_000
QUIET_A_DAY = 10
_DAY_MILLISECONDS = 86_400_000
_MOMENT = FIRST_DAY + timedelta(days=DAYS + 5)

_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :clicks)"
    " SELECT n FROM numbers",
    "postgresql": "SELECT n FROM generate_series(CAST(0 AS bigint), :clicks - 1) AS numbers(n)",
}
# By arithmetic alone, which both databases do alike: a fifth is the hot link's, a fiftieth the warm one's. Of 200
# referrers, 60 countries and 30 languages the first ones are far more frequent than the last. 5 % are robots.
_DAY = """
CREATE TEMP TABLE day_clicks AS
SELECT link, moment, is_bot, visitor,
       NOT is_bot AND n = min(n) OVER (PARTITION BY link, is_bot, visitor) AS is_first,
       'https://site-' || (a * a / 1000 * a / 1000 * a / 1000 * 200 / 1000) || '.example/' AS referrer,
       'C' || (b * b / 1000 * b / 1000 * 60 / 1000) AS country,
       'l' || (c * c / 1000 * c / 1000 * 30 / 1000) AS language,
       'device' || (h / 17 % 3) AS device, 'os' || (h / 19 % 5) AS os, 'browser' || (h / 23 % 5) AS browser
FROM (SELECT n, h, a, b, c, link, :start + n * 86400000 / :clicks AS moment, h / 29 % 20 = 0 AS is_bot,
             :start / 86400000 * 10000000000 + g % CASE link WHEN 1 THEN 200000 WHEN 2 THEN 20000 ELSE 90 END AS visitor
      FROM (SELECT n, h, g, h / 7 % 1000 AS a, h / 11 % 1000 AS b, g / 13 % 1000 AS c,
                   CASE WHEN n < :quiet THEN 3 WHEN h % 100 < 20 THEN 1 WHEN h % 100 < 22 THEN 2
                        ELSE 4 + g % :others END AS link
            FROM (SELECT n, ((n + :seed) * 2654435761) % 4294967296 AS h, ((n + :seed) * 2246822519) % 4294967291 AS g
                  FROM ({numbers}) AS counted) AS mixed) AS linked) AS visits
"""
_CLICKS = """
INSERT INTO clicks (link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, browser,
                    utm_source, utm_medium, utm_campaign, utm_term, utm_content)
SELECT link, moment, is_bot, is_first, visitor, referrer, country, language, device, os, browser, '', '', '', '', ''
FROM day_clicks ORDER BY moment
"""
_ROLL_UP = """
INSERT INTO {table} SELECT link, moment / {length}, sum(CASE WHEN is_bot THEN 0 ELSE 1 END),
       sum(CASE WHEN is_first THEN 1 ELSE 0 END), sum(CASE WHEN is_bot THEN 1 ELSE 0 END)
FROM day_clicks GROUP BY 1, 2 ORDER BY 1, 2
"""
_VALUES = """
INSERT INTO link_values SELECT link, CAST(:start / 86400000 AS integer), {number}, {column}, count(*)
FROM day_clicks WHERE NOT is_bot GROUP BY link, {column} ORDER BY link, {column}
"""
_TOTALS = "INSERT INTO link_totals SELECT link_id, sum(total), sum(uniques), sum(bots) FROM link_days GROUP BY 1"
_INDEX = "ix_clicks_link_id_clicked_at"


def seed(database: Database, clicks: int, tell: Callable[[str], None]) -> None:
    """Fill an empty database; `tell` hears how far it is."""
    migrate(database)
    with Session(database.writer) as session:
        _make_links(session)
        session.commit()
    with database.writer.connect() as connection:
        _hurry(connection)
        connection.execute(text(f"DROP INDEX {_INDEX}"))
        connection.commit()
        for number in range(SEEDED_DAYS):
            _make_day(connection, number, clicks // SEEDED_DAYS)
            connection.commit()
            tell(f"day {number + 1} of {SEEDED_DAYS}")
        connection.execute(text(_TOTALS))
        connection.execute(text(f"CREATE INDEX {_INDEX} ON clicks (link_id, clicked_at)"))
        connection.commit()
    tell("index made")
    _settle(database)
    tell("settled")


def _make_links(session: Session) -> None:
    session.add(Workspace(id=1, name="Bench", slug="bench", plan="unlimited", created_at=_MOMENT))
    session.flush()
    session.add(
        Project(id=1, workspace_id=1, name="Bench", slug="bench", created_at=_MOMENT, updated_at=_MOMENT),
    )
    session.flush()
    codes = ["hot", "warm", "quiet", *(f"link{number}" for number in range(OTHERS))]
    session.add_all(
        Link(
            id=number,
            workspace_id=1,
            project_id=1,
            short_code=code,
            original_url="https://example.com/",
            title=code,
            created_at=_MOMENT,
            updated_at=_MOMENT,
        )
        for number, code in enumerate(codes, 1)
    )


def _hurry(connection: Connection) -> None:
    # What is lost by a power cut is seeded anew.
    if connection.dialect.name == "sqlite":
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            connection.connection.cursor().execute(f"PRAGMA {pragma}")
    else:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SET synchronous_commit = off"))
        connection.execute(text("SET work_mem = '512MB'"))
        connection.execute(text("SET maintenance_work_mem = '1GB'"))


def _make_day(connection: Connection, number: int, clicks: int) -> None:
    start = int((FIRST_DAY + timedelta(days=number - 1)).timestamp()) * 1000
    values = {"clicks": clicks, "start": start, "quiet": QUIET_A_DAY, "others": OTHERS, "seed": number * clicks}
    connection.execute(text(_DAY.format(numbers=_NUMBERS[connection.dialect.name])), values)
    connection.execute(text(_CLICKS))
    for table, length in (("link_days", _DAY_MILLISECONDS), ("link_quarters", 900_000)):
        connection.execute(text(_ROLL_UP.format(table=table, length=length)))
    for dimension, column in enumerate(DIMENSIONS):
        connection.execute(text(_VALUES.format(number=dimension, column=column)), {"start": start})
    connection.execute(text("DROP TABLE day_clicks"))


def _settle(database: Database) -> None:
    # A connection of its own each: settings for the load must not stay.
    database.writer.dispose()
    if database.is_sqlite:
        with database.writer.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            connection.connection.cursor().execute("ANALYZE")
        return
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
