"""Idempotency-Key over REST: a request that is sent again is done once, and answered as it was."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from calls import URL, at_once, call_tool, make_link, mcp_client
from dumps import dump
from factories import Server
from shortmcp.core.context import Scope
from shortmcp.core.retries import KEPT

LINK: dict[str, Any] = {"original_url": URL, "title": "A link"}
TAKEN = "`Idempotency-Key` was used for another request before: give each request a key of its own."
NO_KEY = "`Idempotency-Key` must be text of 1 to 255 printable ASCII characters, such as a UUID."
RUNNING = "A request under this `Idempotency-Key` is still running: try again in a second."
NO_KEYS: tuple[Any, ...] = ("", "x" * 256, "schlüssel", "two\nlines", "\x7f", 5, ["x"], {}, True)
CALLS = 20
# On PostgreSQL a key is held by an advisory lock of two numbers.
KEYS_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
SAME = ("content-type", "location", "etag")


def create(client: httpx2.Client, key: str, path: str = "/links", **fields: Any) -> httpx2.Response:
    """A POST under a key."""
    return client.post(path, json={**LINK, **fields}, headers={"Idempotency-Key": key})


def count(server: Server, table: str) -> int:
    with server.node.database.read() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608


def test_a_request_that_is_sent_again_is_answered_alike_and_done_once(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        first = create(client, "order-1", expires_at="2099-01-01T00:00:00+02:00")
        code = first.json()["data"]["short_code"]
        client.patch(f"/links/{code}", json={"title": "Changed since"})
        again = [create(client, "order-1", expires_at="2099-01-01T00:00:00+02:00") for _ in range(2)]
        assert client.get("/links").json()["data"][0]["title"] == "Changed since"
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    for answer in again:
        assert (answer.status_code, answer.content) == (201, first.content)
        assert {name: answer.headers.get(name) for name in SAME} == {name: first.headers.get(name) for name in SAME}
        assert answer.headers["idempotency-replayed"] == "true"
    assert count(server, "links") == 1


def test_every_post_takes_a_key(server: Server) -> None:
    access = server.open_workspace(name="Own")
    with server.client(access) as client:
        for path, body in (("/projects", {"name": "Spring"}), ("/projects/own/links", LINK), ("/links", LINK)):
            sent = {"project": "own", **body} if path == "/links" else body
            answers = [client.post(path, json=sent, headers={"Idempotency-Key": f"key {path}"}) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [201, 201]
            assert answers[0].content == answers[1].content
    assert (count(server, "projects"), count(server, "links")) == (2, 2)


def test_of_those_that_come_at_once_one_is_done(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        for number in range(3):
            answers = at_once(*[lambda number=number: create(client, f"order-{number}")] * CALLS)
            assert set(Counter(answer.status_code for answer in answers)) <= {201, 409}
            made = [answer for answer in answers if answer.status_code == 201]
            assert len({answer.content for answer in made}) == 1
            assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
            for answer in answers:
                if answer.status_code == 409:
                    assert answer.json() == {"message": RUNNING, "code": "conflict"}
                    assert answer.headers["retry-after"] == "1"
            assert count(server, "links") == number + 1


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_while_the_first_one_runs_the_second_is_told_so(server: Server) -> None:
    access = server.open_workspace(plan="basic")
    with server.client(access) as client, ThreadPoolExecutor(1) as threads:
        with server.node.database.write() as other:
            # Who creates a link under a plan's limit waits for this row, in the transaction that has the key.
            other.execute(text("SELECT id FROM workspaces WHERE id = :id FOR UPDATE"), {"id": access.workspace_id})
            first = threads.submit(create, client, "order-1")
            while not other.execute(KEYS_HELD).scalar_one():
                assert not first.done()
            second = create(client, "order-1")
        assert first.result().status_code == 201
        assert create(client, "order-1").content == first.result().content
    assert (second.status_code, second.json()) == (409, {"message": RUNNING, "code": "conflict"})
    assert second.headers["retry-after"] == "1"
    assert count(server, "links") == 1


def test_a_key_belongs_to_one_request(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        create(client, "order-1")
        before = dump(server)
        others = [create(client, "order-1", title="Another"), create(client, "order-1", is_active=True)]
        others.append(client.post("/projects", json={"name": "x"}, headers={"Idempotency-Key": "order-1"}))
        for answer in others:
            assert (answer.status_code, answer.json()) == (
                422,
                {"message": TAKEN, "code": "invalid", "errors": {"Idempotency-Key": [TAKEN]}},
            )
        assert dump(server) == before


def test_a_key_is_one_token_s(server: Server) -> None:
    access = server.open_workspace()
    others = (access, server.add_token(access, Scope.WRITE), server.open_workspace())
    answers = list[httpx2.Response]()
    for holder in others:
        with server.client(holder) as client:
            answers.append(create(client, "order-1"))
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["data"]["short_code"] for answer in answers}) == 3


def test_what_was_refused_may_be_mended_under_the_same_key(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="taken")
        assert create(client, "order-1", short_code="taken").status_code == 422
        assert create(client, "order-1", title="").status_code == 422
        assert create(client, "order-1", project="none").status_code == 404
        assert create(client, "order-1", short_code="free").status_code == 201
    assert count(server, "links") == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "tab\there"])
def test_what_is_no_key_is_refused_and_nothing_is_done(server: Server, key: str) -> None:
    with server.client(server.open_workspace()) as client:
        answer = client.post("/links", json=LINK, headers=[(b"Idempotency-Key", key.encode())])
        twice = client.post("/links", json=LINK, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "a")])
    for refused in (answer, twice):
        assert (refused.status_code, refused.json()) == (
            422,
            {"message": NO_KEY, "code": "invalid", "errors": {"Idempotency-Key": [NO_KEY]}},
        )
    assert (count(server, "links"), count(server, "kept_answers")) == (0, 0)


def test_the_longest_key_is_one_and_a_field_of_that_name_is_none(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        assert create(client, "x" * 255).status_code == 201
        assert create(client, "another key ~!").status_code == 201
        refused = client.post("/links", json={**LINK, "idempotency_key": "x"})
    assert refused.status_code == 422
    assert "idempotency_key" in refused.json()["errors"]


def test_a_read_only_token_is_refused_before_its_key_is_looked_at(server: Server) -> None:
    access = server.open_workspace()
    with server.client(server.add_token(access, Scope.READ)) as reader:
        for key in ("order-1", "x" * 256):
            assert create(reader, key).status_code == 403
    assert count(server, "kept_answers") == 0


def test_a_repeated_request_counts_as_one_and_shows_what_remains(server: Server) -> None:
    with server.client(server.open_workspace(plan="basic")) as client:
        left = [create(client, "order-1").headers["x-ratelimit-remaining"] for _ in range(3)]
    assert left == ["59", "58", "57"]


def test_a_key_on_what_is_safe_to_repeat_is_ignored(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="own")
        headers = {"Idempotency-Key": "x" * 256}
        assert client.patch("/links/own", json={"title": "y"}, headers=headers).status_code == 200
        assert client.get("/links/own", headers=headers).status_code == 200
        assert client.delete("/links/own", headers=headers).status_code == 204
    assert count(server, "kept_answers") == 0


def test_after_a_day_a_key_is_free(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        first = create(client, "order-1").json()["data"]
        _age(server, KEPT - timedelta(minutes=1))
        assert create(client, "order-1").json()["data"] == first
        _age(server, timedelta(minutes=1))
        second = create(client, "order-1", title="Another").json()["data"]
        assert create(client, "order-1", title="Another").json()["data"] == second
    assert second["id"] != first["id"]
    assert count(server, "kept_answers") == 1


def test_neither_the_key_nor_what_was_sent_can_be_read_from_what_is_kept(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        code = create(client, "order-1")
    with server.node.database.read() as connection:
        (row,) = connection.execute(text("SELECT key, request, answer FROM kept_answers")).all()
    assert "order-1" not in str(row)
    assert {len(row.key), len(row.request)} == {64}
    assert code.json()["data"]["short_code"] in row.answer


def test_over_mcp_creating_tools_take_a_key_too(server: Server) -> None:
    access = server.open_workspace()
    with mcp_client(server, access) as mcp, server.client(access) as rest:
        given = {**LINK, "idempotency_key": "order-1"}
        first, again = (call_tool(mcp, "create_short_link", given) for _ in range(2))
        assert first == again
        assert first["isError"] is False
        # One key for both faces: what was made by a tool is not made again by a request.
        replayed = create(rest, "order-1")
        assert replayed.headers["idempotency-replayed"] == "true"
        assert replayed.json()["data"]["short_code"] == first["structuredContent"]["data"]["short_code"]
        other = call_tool(mcp, "create_short_link", {**given, "title": "Another"})
        assert other["content"][0]["text"] == TAKEN.replace("Idempotency-Key", "idempotency_key")
        for key in NO_KEYS:
            refused = call_tool(mcp, "create_short_link", {**LINK, "idempotency_key": key})
            assert refused["content"][0]["text"] == NO_KEY.replace("Idempotency-Key", "idempotency_key")
        assert call_tool(mcp, "update_short_link", {"short_code": "x", "idempotency_key": "x"})["isError"] is True
    assert count(server, "links") == 1


def _age(server: Server, by: timedelta) -> None:
    with server.node.database.write() as connection:
        moved = {"by": by // timedelta(microseconds=1)}
        connection.execute(text("UPDATE kept_answers SET kept_at = kept_at - :by"), moved)
