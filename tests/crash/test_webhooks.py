"""kill -9 under load: every recorded click reaches the webhook's endpoint, none is invented, ids stay the same."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from crash.harness import Instance, Load, call, kill, make_link, wait_until
from endpoints import Endpoint, open_endpoint
from factories import CHROME, TLS
from processes import Process
from shortmcp.adapters.database import Database

KILLS = 10
VISITS = 200
# Alone, so that they are told of one by one.
SLOW_VISITS = 10


def listen(process: Process, endpoint: Endpoint) -> None:
    call(process, "/webhooks", url=endpoint.url)


def visit_slowly(process: Process, code: str) -> None:
    for _ in range(SLOW_VISITS):
        answer = httpx2.get(f"{process.url}/{code}", headers={"User-Agent": CHROME}, trust_env=False, verify=TLS)
        assert answer.status_code == 302


def recorded(instance: Instance) -> list[tuple[int, str]]:
    """The clicks' ids and numbers."""
    return read(instance, "SELECT id, utm_content FROM clicks")


def read(instance: Instance, query: str) -> list[Any]:
    database = Database(instance.database_url)
    with database.read() as connection:
        rows = [tuple(row) for row in connection.execute(text(query))]
    database.close()
    return rows


def end_leases(instance: Instance) -> None:
    """As if the minute were over for which the processes that were killed had leased deliveries."""
    database = Database(instance.database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE webhook_deliveries SET run_at = 0 WHERE state IN ('queued', 'running')"))
    database.close()


def delivered(endpoint: Endpoint) -> dict[int, set[str]]:
    """The ids of clicks that were delivered, each with the ids of the events that told of it."""
    bodies, clicks = defaultdict[str, set[bytes]](set), defaultdict[int, set[str]](set)
    for one in endpoint.received:
        # What a kill cut off was never answered and comes again.
        if len(one.body) < int(one.headers["content-length"]):
            continue
        bodies[one.headers["webhook-id"]].add(one.body)
        data = json.loads(one.body)["data"]
        for click in data.get("clicks", [data["click"]]):
            clicks[click["id"]].add(one.headers["webhook-id"])
    assert all(len(sent) == 1 for sent in bodies.values()), "an event changed between its attempts"
    return clicks


def test_ten_kills_lose_no_delivery_and_invent_none(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTMCP_ALLOW_PRIVATE_WEBHOOKS", "true")
    instance = Instance(tmp_path / "instance", database_url)
    load, slow = None, ""
    with open_endpoint() as endpoint:
        for _ in range(KILLS):
            with instance.run() as process:
                if load is None:
                    listen(process, endpoint)
                    load, slow = Load(make_link(process)), make_link(process)
                visit_slowly(process, slow)
                with load.on(process.url):
                    load.wait_for(VISITS)
                    kill(process)
            end_leases(instance)
        assert load is not None
        with instance.run():
            wait_until(lambda: instance.backlog() == 0, seconds=60)
            open_ones = "SELECT id FROM webhook_deliveries WHERE state <> 'succeeded'"
            wait_until(lambda: read(instance, open_ones) == [], seconds=60)
        clicks, told = recorded(instance), delivered(endpoint)
    assert load.acked <= {number for _, number in clicks}
    assert len(clicks) >= KILLS * (VISITS + SLOW_VISITS)
    assert told.keys() == {click_id for click_id, _ in clicks}
    assert {len(event_ids) for event_ids in told.values()} == {1}
