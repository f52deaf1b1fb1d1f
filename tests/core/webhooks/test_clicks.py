"""Clicks are told of in the transaction that counts them; many at once are told of together."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from clicks.test_ingest import ENRICHER, NOW, folder, links, visit, write_file
from shortmcp.adapters.database import Database
from shortmcp.clicks.ingest import Fenced, Ingester
from shortmcp.core.context import Site
from shortmcp.core.webhooks.clicks import MOST_ALONE, MOST_TOGETHER, ClickAudience

__all__ = ["folder", "links"]
SITE = Site("https://go.example", frozenset(), {})


def make_ingester(folder: Path, database: Database) -> Ingester:
    audience = ClickAudience(SITE, lambda: datetime.now(UTC))
    return Ingester(folder, ENRICHER, partial(database.write, durable=True), lambda: NOW, audience)


def listen(database: Database, link_id: int | None = None) -> None:
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO webhooks (workspace_id, url, event_types, link_id, salt, is_active, created_at, "
                "updated_at) VALUES (1, 'https://a.example/', ' link.created link.clicked ', :link, 'x', true, 0, 0)"
            ),
            {"link": link_id},
        )


def told(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [orjson.loads(body) for body in connection.execute(text("SELECT body FROM webhook_events")).scalars()]


def clicks_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    return event["data"].get("clicks") or [event["data"]["click"]]


def recorded(database: Database) -> dict[int, str]:
    with database.read() as connection:
        return {row.id: row.utm_content for row in connection.execute(text("SELECT id, utm_content FROM clicks"))}


def test_each_click_is_told_of_by_the_id_that_it_is_kept_under(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    listen(database)
    # Those that nobody wants, before, between and after.
    for name in "abc":
        write_file(folder, *(visit(1, number) for number in range(3)), visit(2, 9), name=name)
        make_ingester(folder, database).run()
    seen = {click["id"]: click["utm_content"] for event in told(database) for click in clicks_of(event)}
    assert seen == recorded(database)
    assert len(seen) == len(told(database)) == 12


def test_only_those_that_somebody_wants_are_told_of(database: Database, folder: Path, links: tuple[int, int]) -> None:
    write_file(folder, visit(1, 1), visit(2, 2), name="a")
    make_ingester(folder, database).run()
    assert told(database) == []
    listen(database, link_id=2)
    write_file(folder, visit(1, 3), visit(2, 4), visit(1, 5), name="b")
    make_ingester(folder, database).run()
    [event] = told(database)
    assert recorded(database)[event["data"]["click"]["id"]] == event["data"]["click"]["utm_content"] == "4"
    assert sorted(recorded(database).values()) == ["1", "2", "3", "4", "5"]
    assert event["data"]["link"] == {
        "id": 2,
        "project_id": 1,
        "short_code": "code2",
        "domain": "go.example",
        "short_url": "https://go.example/code2",
        "original_url": "https://a.example/",
        "title": "A",
    }


def test_a_storm_on_one_link_makes_few_events_and_leaves_other_links_alone(
    database: Database, folder: Path, links: tuple[int, int]
) -> None:
    listen(database)
    storm = 3 * MOST_TOGETHER
    write_file(folder, *(visit(1, number) for number in range(storm)), *(visit(2, n) for n in range(MOST_ALONE)))
    make_ingester(folder, database).run()
    events = told(database)
    of_storm = [event for event in events if event["data"]["link"]["id"] == 1]
    assert len(events) - len(of_storm) == MOST_ALONE
    assert len(of_storm) <= 10
    seen = [click["id"] for event in events for click in clicks_of(event)]
    assert len(seen) == len(set(seen)) == storm + MOST_ALONE
    assert set(seen) == recorded(database).keys()
    assert all(len(clicks_of(event)) <= MOST_TOGETHER for event in events)
    assert all(event["data"]["click"] == event["data"]["clicks"][0] for event in of_storm)


def test_what_is_not_counted_is_not_told_of(database: Database, folder: Path, links: tuple[int, int]) -> None:
    listen(database)
    path = write_file(folder, visit(1, 1))
    copy = path.read_bytes()
    make_ingester(folder, database).run()
    ingester = make_ingester(folder, database)
    # The same file once more, as another ingester that was too slow would read it.
    ingester._positions[path.name] = 0
    path.write_bytes(copy)
    with database.write() as connection:
        connection.execute(text("INSERT INTO journal_offsets (file, position) VALUES ('a.log', 5)"))
    with pytest.raises(Fenced):
        ingester.run()
    assert (len(told(database)), len(recorded(database))) == (1, 1)
