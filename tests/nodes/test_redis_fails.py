"""Redis dies, hangs or forgets in the midst of it: every answer stays right, and nobody gets a second limit."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from threading import Event, Thread

import orjson
import pytest
from sqlalchemy import text

from adapters.test_changes import Notes
from calls import make_link
from factories import CHROME
from journals import eventually
from nodes.pairs import FACES, Pair, run_pair
from redises import RedisServer, run_redis
from shortmcp.adapters.changes import EVERYTHING
from shortmcp.adapters.redis import Line, Publisher, watch_redis
from shortmcp.core.analytics.clicks import ClickPublic
from shortmcp.core.analytics.live import ClickShown

LIMIT = 60


@pytest.fixture(scope="module")
def pair(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        redis = stack.enter_context(run_redis())
        yield stack.enter_context(run_pair(tmp_path_factory.mktemp("nodes"), shared_database_url, redis))


@pytest.fixture
def redis(pair: Pair) -> Iterator[RedisServer]:
    """The nodes' Redis, which every test finds and leaves running."""
    assert pair.redis is not None
    assert pair.redis.popen is not None
    pair.wait_for_redis()
    yield pair.redis
    pair.redis.thaw()
    if pair.redis.popen.poll() is not None:
        pair.redis.start()


def start_again(redis: RedisServer) -> None:
    redis.kill()
    redis.start()


def flush(redis: RedisServer) -> None:
    redis.ask("FLUSHALL")


def fill(redis: RedisServer) -> None:
    redis.ask("CONFIG", "SET", "maxmemory", "1")


def empty(redis: RedisServer) -> None:
    redis.ask("CONFIG", "SET", "maxmemory", "0")


@pytest.mark.parametrize("fail", [RedisServer.kill, RedisServer.freeze, start_again, flush, fill])
def test_a_failure_in_mid_run_hands_out_no_second_limit(
    pair: Pair, redis: RedisServer, fail: Callable[[RedisServer], None]
) -> None:
    access = pair.one.open_workspace(plan="basic")
    ways = cycle([(face, node) for face in FACES for node in pair.nodes])
    passed = sum(face(node, access) for (face, node), _ in zip(ways, range(20), strict=False))
    assert passed == 20
    fail(redis)
    while True:
        face, node = next(ways)
        if not face(node, access):
            break
        passed += 1
    # Each goes on from what it has seen itself; the few that the other counted meanwhile may come on top.
    assert LIMIT <= passed < 20 + LIMIT
    if fail is fill:
        empty(redis)


def test_links_change_and_redirect_while_redis_is_gone(pair: Pair, redis: RedisServer) -> None:
    redis.kill()
    with pair.one.client(pair.one.open_workspace()) as client:
        code = make_link(client)["short_code"]
        assert [node.visit(code).status_code for node in pair.nodes] == [302, 302]
        client.patch(f"/links/{code}", json={"original_url": "https://example.com/new"}).raise_for_status()
        for node in pair.nodes:
            eventually(lambda node=node: node.visit(code).headers["location"] == "https://example.com/new")


def test_news_go_over_redis_too(pair: Pair, redis: RedisServer) -> None:
    line = Line(redis.url)
    with pair.one.client(pair.one.open_workspace()) as client:
        code = make_link(client)["short_code"]
    assert [node.visit(code).status_code for node in pair.nodes] == [302, 302]
    # Past all who would tell of it: as where a pooler keeps the database's own news from the nodes.
    with pair.one.node.database.write() as connection:
        new = "https://example.com/new"
        connection.execute(
            text("UPDATE links SET original_url = :new WHERE short_code = :code"), {"new": new, "code": code}
        )
    Publisher(line, 1).publish({code})
    for node in pair.nodes:
        eventually(lambda node=node: node.visit(code).headers["location"] == "https://example.com/new")
    line.close()


def test_a_node_publishes_what_it_changes(pair: Pair, redis: RedisServer) -> None:
    notes, stop = Notes(), Event()
    listener = Thread(target=watch_redis, args=(redis.url, 1, notes, stop, lambda: True), daemon=True)
    listener.start()
    eventually(lambda: notes.told == [EVERYTHING])
    with pair.one.client(pair.one.open_workspace()) as client:
        code = make_link(client)["short_code"]
        client.patch(f"/links/{code}", json={"is_active": False}).raise_for_status()
    eventually(lambda: code in notes.told)
    stop.set()
    listener.join(10)


def test_clicks_of_both_nodes_are_shown_as_they_come_in(pair: Pair, redis: RedisServer) -> None:
    access = pair.one.open_workspace()
    stream = f"shortmcp:clicks:{access.workspace_id}"
    with pair.one.client(access) as client:
        code = make_link(client)["short_code"]
        for number, node in enumerate(pair.nodes):
            node.visit(f"{code}?utm_source=node{number}", CHROME, Referer="https://news.example/a?b=c")
        eventually(lambda: redis.ask("XLEN", stream) == "2")
        listed = client.get(f"/links/{code}/clicks").json()["data"]
    words = redis.ask("--json", "XRANGE", stream, "-", "+")
    shown = [orjson.loads(fields[1]) for _, fields in orjson.loads(words)]
    by_source = {click["utm_source"]: click for click in shown}
    assert set(by_source) == {"node0", "node1"}
    for click in listed:
        own = {name: value for name, value in click.items() if name != "id"}
        assert by_source[click["utm_source"]] == {**own, "short_code": code, "domain": by_source["node0"]["domain"]}


def test_a_click_that_is_shown_has_the_fields_of_one_that_is_listed() -> None:
    assert set(ClickShown.model_fields) - set(ClickPublic.model_fields) == {"short_code", "domain"}
    assert set(ClickPublic.model_fields) - set(ClickShown.model_fields) == {"id"}
