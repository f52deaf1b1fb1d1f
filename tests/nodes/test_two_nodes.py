"""Two nodes are one instance: one limit, one state of every link and token, one count of clicks."""

import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product

import httpx2

from calls import make_link
from factories import Access, Server
from journals import eventually
from nodes.pairs import FACES, Pair
from processes import SHORTMCP
from shortmcp.core.context import Scope

LIMIT = 60
MORE = 20
VISITS = 40


def pass_at_once(pair: Pair, access: Access, requests: int) -> int:
    """How many of so many requests are let in, sent at once to both nodes over both faces."""
    ways = [*product(FACES, pair.nodes)] * -(-requests // 4)

    def ask(way: tuple[Callable[[Server, Access], bool], Server]) -> bool:
        face, node = way
        return face(node, access)

    with ThreadPoolExecutor(4) as threads:
        return sum(threads.map(ask, islice(ways, requests)))


def test_a_limit_is_exact_over_both_nodes_and_both_faces(pair: Pair) -> None:
    for _ in range(20):
        pair.wait_for_redis()
        access, failures = pair.one.open_workspace(plan="basic"), pair.redis_failures()
        passed = pass_at_once(pair, access, LIMIT + MORE)
        if pair.redis_failures() == failures:
            assert passed == LIMIT
            if pair.redis is not None:
                counted = pair.redis.ask("HGET", f"shortmcp:minute:{access.token_id}", "requests")
                assert int(counted) == LIMIT + MORE
            return
        # Redis did not answer in time, on a machine that is busy: for that moment they counted apart.
    raise AssertionError("Redis never answered throughout")


def test_a_link_that_is_changed_disabled_or_deleted_on_one_node_is_so_on_the_other(pair: Pair) -> None:
    with pair.one.client(pair.one.open_workspace()) as client:
        code = make_link(client)["short_code"]
        assert pair.other.visit(code).status_code == 302
        client.patch(f"/links/{code}", json={"original_url": "https://example.com/new"}).raise_for_status()
        eventually(lambda: pair.other.visit(code).headers["location"] == "https://example.com/new")
        client.patch(f"/links/{code}", json={"is_active": False}).raise_for_status()
        eventually(lambda: pair.other.visit(code).status_code == 410)
        client.patch(f"/links/{code}", json={"is_active": True}).raise_for_status()
        eventually(lambda: pair.other.visit(code).status_code == 302)
        client.delete(f"/links/{code}").raise_for_status()
        eventually(lambda: pair.other.visit(code).status_code == 410)


def test_a_token_that_is_revoked_beside_one_node_is_dead_on_both(pair: Pair) -> None:
    access = pair.one.open_workspace()
    dying = pair.one.add_token(access, Scope.READ)
    assert [status(node, dying) for node in pair.nodes] == [200, 200]
    settings = pair.one.node.settings
    options = ["--data-dir", str(settings.data_dir), "--database-url", settings.database_url]
    subprocess.run([SHORTMCP, "token", "revoke", str(dying.token_id), *options], check=True, capture_output=True)
    eventually(lambda: [status(node, dying) for node in pair.nodes] == [401, 401])
    assert [status(node, access) for node in pair.nodes] == [200, 200]


def status(server: Server, access: Access) -> int:
    with server.client(access) as client:
        return client.get("/projects").status_code


def test_the_clicks_of_both_nodes_add_up(pair: Pair) -> None:
    access = pair.one.open_workspace()
    with pair.one.client(access) as client, pair.other.client(access) as sibling:
        code = make_link(client)["short_code"]

        def visit(number: int) -> int:
            return pair.nodes[number % 2].visit(code).status_code

        with ThreadPoolExecutor(4) as threads:
            assert Counter(threads.map(visit, range(2 * VISITS))) == {302: 2 * VISITS}
        for asked in (client, sibling):
            eventually(lambda asked=asked: count(asked, code) == 2 * VISITS)


def count(client: httpx2.Client, code: str) -> int:
    return client.get(f"/links/{code}/analytics").raise_for_status().json()["data"]["period_stats"]["total"]
