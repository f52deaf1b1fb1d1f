"""The background work of a node, put together."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection
from sqlmodel import Session

from shortmcp.adapters.database import Database
from shortmcp.adapters.geoip import open_countries
from shortmcp.app.node import Node
from shortmcp.clicks.enrich import Enricher
from shortmcp.clicks.ingest import Ingester, forget_visitors
from shortmcp.clicks.purge import purge_deleted_links, purge_history
from shortmcp.core.context import Site
from shortmcp.core.guesses import forget_guesses
from shortmcp.core.retries import forget_answers
from shortmcp.worker import Chore, Worker


def make_worker(node: Node) -> tuple[Worker, Ingester]:
    """The background work of a node; one process of the machine does it, the others wait to take over."""
    settings, database = node.settings, node.database
    ingester = Ingester(
        settings.journal_dir,
        Enricher(open_countries(settings.geoip)),
        partial(database.write, durable=True),
        lambda: time.time_ns() // 1_000_000,
    )
    chores = [
        Chore("ingest", 0.2, ingester.run),
        Chore("purge", 1.0, lambda: purge_deleted_links(database.write)),
        Chore("forget visitors", 600.0, lambda: _until_done(database, forget_visitors)),
        Chore("forget guesses", 600.0, lambda: _until_done(database, forget_guesses)),
        Chore("retention", 60.0, lambda: purge_history(database.read, database.write, _history(node.site))),
        Chore("forget answers", 600.0, lambda: _forget_answers(database)),
        Chore("checkpoint", 2.0, database.checkpoint),
    ]
    return Worker(chores, settings.journal_dir / ".leader"), ingester


def _until_done(database: Database, step: Callable[[Connection, int], int]) -> None:
    gone = 1
    while gone:
        with database.write() as connection:
            gone = step(connection, time.time_ns() // 1_000_000)


def _forget_answers(database: Database) -> None:
    gone = 1
    while gone:
        with database.write() as connection, Session(connection) as session:
            gone = forget_answers(session, datetime.now(UTC))


def _history(site: Site) -> Mapping[str, int]:
    today = time.time_ns() // 86_400_000_000_000
    kept = {name: plan.kept_days for name, plan in site.plans.items()}
    return {name: today - days for name, days in kept.items() if days is not None}
