"""The web process, put together: from a node to one ASGI app."""

import gc
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import structlog
from anyio import create_task_group, move_on_after, to_thread
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from shortmcp.adapters.changes import SqliteVersion, watch_postgres, watch_sqlite
from shortmcp.adapters.database import Database
from shortmcp.adapters.lookup import CodeReader, PostgresReader, SqliteReader
from shortmcp.adapters.schema import is_current
from shortmcp.app.background import JobNumbers, make_runners, make_worker
from shortmcp.app.dialects import make_dialect_routes, with_dialect_hosts
from shortmcp.app.node import Node, make_node
from shortmcp.app.numbers import log_numbers, node_numbers, queue_numbers
from shortmcp.app.reports import make_report_face
from shortmcp.app.shared import make_counter, make_live_clicks, redis_numbers, watch_shared
from shortmcp.catalog import (
    CATALOG,
    OPENED_SECRET,
    PUBLIC_PASTE,
    PUBLIC_QR_CODE,
    PUBLIC_SECRET,
    PUBLIC_STATISTICS,
)
from shortmcp.clicks.caps import use_click
from shortmcp.clicks.ingest import Fenced, Ingester
from shortmcp.clicks.journal import Journal
from shortmcp.clicks.near import find_near
from shortmcp.clicks.resolve import Resolver
from shortmcp.core.context import RECIPIENT, VISITOR, Work
from shortmcp.core.errors import OperationError
from shortmcp.core.pastes.visits import count_view
from shortmcp.core.quotas import tell_of_calls
from shortmcp.core.usage import write_calls
from shortmcp.faces.callers import KnownCallers
from shortmcp.faces.identity import Gate
from shortmcp.faces.mcp_server import AllowedHosts, McpFace, make_mcp_face
from shortmcp.faces.openapi import describe
from shortmcp.faces.public import PublicFace, Services
from shortmcp.faces.rest import PREFIX, RestFace
from shortmcp.faces.site import SiteFace, make_site
from shortmcp.faces.telemetry import Telemetry
from shortmcp.faces.threads import Crew
from shortmcp.settings import Settings
from shortmcp.worker import Chore, Runner, Worker

log = structlog.get_logger("shortmcp")
# A journal file is deleted, with the addresses in it, once it is counted and its writer has begun the next one.
ADDRESSES_KEPT_SECONDS = 60
# Together with the server's own patience they stay under the five seconds that a stop may take.
STOP_SECONDS = 0.8
LAST_INGEST_SECONDS = 0.8
# SQLite has one writer, and reads from memory; of PostgreSQL every answer is waited for.
SQLITE_AT_ONCE, POSTGRES_AT_ONCE = 1, 4


def create_app() -> ASGIApp:
    """The ASGI app of one web process, from the settings in the environment."""
    app = make_app(make_node(Settings()))
    _settle_memory()
    return app


def make_app(node: Node) -> ASGIApp:
    """The ASGI app of one web process."""
    settings, database = node.settings, node.database
    reader = _open_reader(database)
    resolver = Resolver(reader.read)
    journal = Journal(settings.journal_dir, sync_interval=settings.journal_sync, rotate_seconds=ADDRESSES_KEPT_SECONDS)
    telemetry = Telemetry()
    version = SqliteVersion(database.path) if database.is_sqlite else None
    known = KnownCallers(version or (lambda: 0))
    gate = _make_gate(node, known)
    node.news.add(resolver)
    node.news.add(known)
    work = node.work()
    crew = Crew(at_once=SQLITE_AT_ONCE if database.is_sqlite else POSTGRES_AT_ONCE)
    mcp = make_mcp_face(CATALOG, gate, work, telemetry, crew, _allowed_hosts(settings))
    live = make_live_clicks(node.redis, database) if settings.worker else None
    worker, ingester = make_worker(node, live) if settings.worker else (None, None)
    runners, job_numbers = make_runners(node) if settings.worker else (), JobNumbers(database)
    routes = [
        *_make_site_face(node, telemetry).routes(),
        Route("/mcp", mcp),
        *make_report_face(node, work).routes(),
        *RestFace(gate, work, telemetry, crew, node.site.base_url, frozenset(node.site.domains)).endpoints(CATALOG),
        *make_dialect_routes(node, gate, work, telemetry, crew),
    ]
    lives = Lives(node, reader, version, journal, crew, mcp, worker, ingester, runners, job_numbers)
    inner = with_dialect_hosts(settings, mcp.ahead_of(make_site(list(routes), partial(_lifespan, lives))))
    public = PublicFace(inner, resolver, journal, _services(node, work), reads_block=not database.is_sqlite)
    telemetry.publish(
        node_numbers(public, journal, ingester)
        | queue_numbers(job_numbers)
        | log_numbers(database)
        | redis_numbers(node.redis, live)
    )
    return public


def _make_site_face(node: Node, telemetry: Telemetry) -> SiteFace:
    document = describe(CATALOG, node.site.base_url, PREFIX)
    return SiteFace(telemetry, partial(_faults, node.database), document, node.settings.metrics_public)


def _make_gate(node: Node, known: KnownCallers) -> Gate:
    count = make_counter(node.database, node.redis)
    return Gate(node.database.read, count, node.site, node.meter, known, lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Lives:
    """What begins and ends with a web process."""

    node: Node
    reader: CodeReader
    version: SqliteVersion | None
    journal: Journal
    crew: Crew
    mcp: McpFace
    worker: Worker | None
    ingester: Ingester | None
    runners: Sequence[Runner[Any]]
    job_numbers: JobNumbers


@asynccontextmanager
async def _lifespan(lives: Lives, app: Starlette) -> AsyncGenerator[None]:
    stop = Event()
    watches = _start_watches(lives.node, stop)
    meter = Worker(
        [
            Chore("count calls", 1.0, lambda: _write_calls(lives.node)),
            Chore("count jobs", 10.0, lives.job_numbers.refresh),
            Chore("erase log", 1.0, lives.node.database.erase_if_due),
        ]
    )
    running = [*([] if lives.worker is None else [lives.worker]), *lives.runners, meter]
    for worker in running:
        worker.start()
    async with lives.mcp.run():
        yield
    stop.set()
    await _end(lives, running, watches)


async def _end(lives: Lives, running: Sequence[Worker | Runner[Any]], watches: Sequence[Thread]) -> None:
    lives.crew.close()
    async with create_task_group() as group:
        for worker in running:
            group.start_soon(to_thread.run_sync, worker.stop, STOP_SECONDS)
    lives.journal.close()
    # What takes longer is for the next start: the journal keeps it.
    with move_on_after(LAST_INGEST_SECONDS):
        await to_thread.run_sync(_finish, lives, abandon_on_cancel=True)
    for watch in watches:
        watch.join(0.4)
    if lives.node.redis is not None:
        lives.node.redis.line.close()
    lives.reader.close()
    if lives.version is not None:
        lives.version.close()
    lives.node.database.close()


def _settle_memory() -> None:
    # What start-up has made stays for good: the garbage collector need not look at it again and again under load.
    gc.collect()
    gc.freeze()


def _finish(lives: Lives) -> None:
    _write_calls(lives.node)
    if lives.ingester is not None:
        with suppress(Fenced):
            lives.ingester.run()


def _services(node: Node, work: Work) -> Services:
    database = node.database
    return Services(
        use_click=partial(use_click, database.read, database.write),
        find_near=partial(find_near, database.read) if node.settings.suggest_codes else None,
        doorkeeper=node.doors(),
        short_url=node.site.short_url,
        domains={host.encode("ascii"): host for host in node.site.domains},
        trusted=node.settings.trusted_proxies,
        show_secret=partial(PUBLIC_SECRET.perform, work, VISITOR),
        open_secret=partial(OPENED_SECRET.perform, work, RECIPIENT),
        show_statistics=partial(PUBLIC_STATISTICS.perform, work, VISITOR),
        show_qr_code=partial(PUBLIC_QR_CODE.perform, work, VISITOR),
        show_paste=partial(PUBLIC_PASTE.perform, work, VISITOR),
        count_view=partial(count_view, database.write),
    )


def _open_reader(database: Database) -> CodeReader:
    return SqliteReader(database.path) if database.is_sqlite else PostgresReader(database.conninfo, database.pulse)


def _start_watches(node: Node, stop: Event) -> list[Thread]:
    watches = [Thread(target=_watch, args=(node, stop), name="news", daemon=True)]
    if node.redis is not None:
        node.redis.line.start()
        arguments = (node.redis, node.database, node.news, stop, _no_news)
        watches.append(Thread(target=watch_shared, args=arguments, name="redis news", daemon=True))
    if not node.database.is_sqlite:
        watches.append(Thread(target=node.database.pulse.run, args=(stop,), name="pulse", daemon=True))
    for watch in watches:
        watch.start()
    return watches


def _watch(node: Node, stop: Event) -> None:
    if node.database.is_sqlite:
        watch_sqlite(node.database.path, node.news, stop, _no_news)
    else:
        watch_postgres(node.database.conninfo, node.news, stop, _no_news, node.database.pulse)


def _no_news(error: Exception) -> None:
    log.warning("no news of changed links and callers for the moment", reason=str(error)[:200])


def _write_calls(node: Node) -> None:
    with node.meter.writing() as calls:
        if calls:
            with node.database.write() as connection, Session(connection) as session:
                write_calls(session, calls)
                tell_of_calls(connection, node.site.plans, {token_id for token_id, _ in calls}, datetime.now(UTC))


def _allowed_hosts(settings: Settings) -> AllowedHosts:
    public = urlsplit(settings.public_url)
    local = ("127.0.0.1", "localhost", "[::1]")
    hosts = (public.netloc, *(name for host in local for name in (host, f"{host}:*")), *settings.allowed_hosts)
    origins = (f"{public.scheme}://{public.netloc}", *(f"http://{host}:*" for host in local), *settings.allowed_origins)
    return AllowedHosts(hosts, origins)


def _faults(database: Database) -> Mapping[str, str]:
    try:
        database.check_place()
        if not is_current(database):
            return {"database": "The schema is not this version's: run `shortmcp migrate`."}
    except OperationError as error:
        return {"database": error.sentence}
    return {}
