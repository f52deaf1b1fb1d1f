"""Secrets over REST and MCP: kept, listed, revealed as often as they may be, and then gone."""

from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest

from calls import at_once, call_mcp, call_tool, make_secret, mcp_client
from dumps import dump
from factories import Server
from shortmcp.core.context import Scope

GONE = {"message": "This secret is gone: it was revealed as often as it may be, or its time is over.", "code": "gone"}
FORM = "`slug` may hold only the letters a to z, digits and dashes between them."
ENCRYPTED = "`content` must be base64 of a nonce of 12 bytes and what AES-256-GCM made, its tag included."
CONTENT = "correct horse\r\n\tbattery \u202estaple\u202c \U0001f600 </pre><script>"


def refused(answer: httpx2.Response, field: str, sentence: str) -> None:
    assert (answer.status_code, answer.json()) == (
        422,
        {"message": sentence, "code": "invalid", "errors": {field: [sentence]}},
    )


def test_a_secret_is_revealed_once_and_then_is_gone(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        made = client.post("/secrets", json={"content": CONTENT, "slug": "My Slug"})
        state = made.json()["data"]
        assert (made.status_code, made.headers["location"]) == (201, f"{server.url}/api/v1/secrets/my-slug")
        assert datetime.fromisoformat(state.pop("created_at")) <= datetime.now(UTC)
        assert state == {
            "slug": "my-slug",
            "short_url": f"{server.url}/my-slug",
            "max_uses": 1,
            "remaining_uses": 1,
            "is_active": True,
            "has_passphrase": False,
            "client_encrypted": False,
            "expires_at": None,
            "last_revealed_at": None,
        }
        revealed = client.post("/secrets/MY-SLUG/reveal")
        assert (revealed.status_code, revealed.json()) == (
            200,
            {"data": {"content": CONTENT, "slug": "my-slug", "remaining_uses": 0}},
        )
        assert revealed.headers["cache-control"] == "no-store"
        for _ in range(2):
            again = client.post("/secrets/my-slug/reveal")
            assert (again.status_code, again.json()) == (410, GONE)
        after = client.get("/secrets/my-slug").json()["data"]
        assert (after["remaining_uses"], after["is_active"], after["last_revealed_at"] is None) == (0, False, False)


@pytest.mark.parametrize("uses", [2, 5, 10])
def test_it_is_revealed_as_often_as_it_may_be(server: Server, uses: int) -> None:
    with server.client(server.open_workspace()) as client:
        slug = make_secret(client, CONTENT, max_uses=uses)
        answers = [client.post(f"/secrets/{slug}/reveal") for _ in range(uses + 1)]
        assert [answer.status_code for answer in answers] == [200] * uses + [410]
        shown = [answer.json()["data"] for answer in answers[:-1]]
        assert [(one["content"], one["remaining_uses"]) for one in shown] == [
            (CONTENT, rest) for rest in reversed(range(uses))
        ]


def test_over_mcp_it_is_the_same_to_the_last_sign(server: Server) -> None:
    access = server.open_workspace()
    with mcp_client(server, access) as tools, server.client(access) as rest:
        made = call_tool(tools, "create_secret", {"content": CONTENT, "max_uses": 2})["structuredContent"]["data"]
        assert made == {k: v for k, v in rest.get(f"/secrets/{made['slug']}").json()["data"].items() if v is not None}
        result = call_tool(tools, "reveal_secret", {"slug": made["slug"]})
        assert result["structuredContent"] == {"data": {"content": CONTENT, "slug": made["slug"], "remaining_uses": 1}}
        rest.post(f"/secrets/{made['slug']}/reveal")
        gone = call_tool(tools, "reveal_secret", {"slug": made["slug"]})
        assert (gone["isError"], gone["content"][0]["text"]) == (True, GONE["message"])


def test_revealing_is_destructive_and_reading_is_not(server: Server) -> None:
    with mcp_client(server, server.open_workspace()) as tools:
        listed = {tool["name"]: tool for tool in call_mcp(tools, "tools/list", {})["result"]["tools"]}
    hints = {name: listed[name]["annotations"] for name in ("get_secret", "list_secrets", "reveal_secret")}
    seen = {name: (one["readOnlyHint"], one["destructiveHint"], one["idempotentHint"]) for name, one in hints.items()}
    assert seen == {
        "get_secret": (True, False, True),
        "list_secrets": (True, False, True),
        "reveal_secret": (False, True, False),
    }


def test_nothing_but_revealing_shows_the_content(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as rest, mcp_client(server, access) as tools:
        slug = make_secret(rest, "canary-7531", passphrase="open sesame", slug="listed")
        answers = [rest.get("/secrets").text, rest.get(f"/secrets/{slug}").text, server.visit(slug).text]
        answers += [
            str(call_tool(tools, name, given)) for name, given in (("list_secrets", {}), ("get_secret", {"slug": slug}))
        ]
        assert all("listed" in answer for answer in answers)
        assert not any("canary" in answer or "sesame" in answer for answer in answers)


def test_lists_are_of_the_workspace_newest_first_and_by_state(server: Server) -> None:
    with server.client(server.open_workspace()) as client, server.client(server.open_workspace()) as others:
        slugs = [make_secret(client, slug=f"number-{number}") for number in range(5)]
        make_secret(others)
        client.post("/secrets/number-1/reveal")

        def listed(**asked: Any) -> list[str]:
            return [one["slug"] for one in client.get("/secrets", params=asked).json()["data"]]

        assert listed() == slugs[::-1]
        assert listed(per_page=2, page=2) == ["number-2", "number-1"]
        assert listed(is_active="false") == ["number-1"]
        assert listed(is_active="true") == ["number-4", "number-3", "number-2", "number-0"]
        first = client.get("/secrets", params={"per_page": 4}).json()
        assert first["meta"]["total"] == 5


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"content": ""}, "content", "`content` must not be empty."),
        ({}, "content", "`content` is required."),
        ({"content": "é" * 32_769}, "content", "`content` may be at most 65536 bytes of UTF-8 long."),
        ({"content": "a\0b"}, "content", "`content` holds a NUL character: leave it out."),
        ({"content": 7}, "content", "`content` must be text."),
        ({"content": "x", "max_uses": 3}, "max_uses", "`max_uses` must be one of 1, 2, 5 or 10."),
        ({"content": "x", "max_uses": "1"}, "max_uses", "`max_uses` must be one of 1, 2, 5 or 10."),
        ({"content": "x", "expires_at": "2020-01-01"}, "expires_at", "`expires_at` must lie in the future."),
        ({"content": "x", "slug": "Api"}, "slug", "`slug` is a reserved word: choose another code."),
        ({"content": "x", "slug": "ümlaut"}, "slug", FORM),
        ({"content": "x", "passphrase": ""}, "passphrase", "`passphrase` must be at least 1 characters long."),
        ({"content": "x", "client_encrypted": True}, "content", ENCRYPTED),
        ({"content": "x", "client_encrypted": "?"}, "client_encrypted", "`client_encrypted` must be true or false."),
    ],
)  # fmt: skip
def test_what_no_secret_can_be_made_of_is_refused_and_nothing_is_kept(
    server: Server, given: dict[str, Any], field: str, sentence: str
) -> None:
    with server.client(server.open_workspace()) as client:
        answer = client.post("/secrets", json=given)
        assert answer.json()["errors"] == {field: [sentence]}
        assert (answer.status_code, client.get("/secrets").json()) == (422, {"data": []})


def test_the_longest_content_comes_back_whole(server: Server) -> None:
    content = "é\n" + "x" * 65_533
    with server.client(server.open_workspace()) as client:
        slug = make_secret(client, content)
        assert client.post(f"/secrets/{slug}/reveal").json()["data"]["content"] == content


def test_a_read_only_token_reveals_nothing(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as owner, server.client(server.add_token(access, Scope.READ)) as reader:
        slug = make_secret(owner)
        assert reader.post(f"/secrets/{slug}/reveal").status_code == 403
        assert reader.get(f"/secrets/{slug}").json()["data"]["remaining_uses"] == 1


def test_a_passphrase_opens_it_and_a_wrong_one_uses_nothing_up(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        slug = make_secret(client, CONTENT, passphrase="caf\u00e9 sesame")
        reveal = f"/secrets/{slug}/reveal"
        refused(client.post(reveal), "passphrase", "`passphrase` is required: this secret has one.")
        wrong = client.post(reveal, json={"passphrase": "open"})
        sentence = "The `passphrase` is not right: nothing was used up, try again."
        assert (wrong.status_code, wrong.json()) == (
            403,
            {"message": sentence, "code": "forbidden", "errors": {"passphrase": [sentence]}},
        )
        assert client.get(f"/secrets/{slug}").json()["data"]["remaining_uses"] == 1
        # However its accents are typed.
        opened = client.post(reveal, json={"passphrase": "cafe\u0301 sesame"})
        assert (opened.status_code, opened.json()["data"]["content"]) == (200, CONTENT)
        assert client.post(reveal, json={"passphrase": "caf\u00e9 sesame"}).json() == GONE


def test_who_guesses_at_a_passphrase_is_held_up_by_either_face(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as rest, mcp_client(server, access) as tools:
        slug = make_secret(rest, passphrase="open sesame")
        for number in range(5):
            assert rest.post(f"/secrets/{slug}/reveal", json={"passphrase": f"guess {number}"}).status_code == 403
            assert call_tool(tools, "reveal_secret", {"slug": slug, "passphrase": f"try {number}"})["isError"]
        limited = rest.post(f"/secrets/{slug}/reveal", json={"passphrase": "open sesame"})
        assert limited.status_code == 429
        assert 0 < int(limited.headers["retry-after"]) <= 600
        assert rest.get(f"/secrets/{slug}").json()["data"]["remaining_uses"] == 1
        # A visitor is somebody else.
        with httpx2.Client(base_url=server.url, trust_env=False) as visitor:
            assert visitor.post(f"/{slug}", data={"passphrase": "open sesame"}).status_code == 200


def test_an_expired_secret_is_gone_and_its_content_is_destroyed(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        soon = datetime.now(UTC) + timedelta(hours=1)
        slug = make_secret(client, expires_at=soon.isoformat())
        assert client.get(f"/secrets/{slug}").json()["data"]["expires_at"] == soon.isoformat(timespec="seconds")
        with server.begin() as ctx:
            ctx.session.connection().exec_driver_sql("UPDATE secrets SET expires_at = 1")
        assert client.post(f"/secrets/{slug}/reveal").json() == GONE
        assert server.visit(slug).status_code == 410
        assert client.get("/secrets", params={"is_active": "false"}).json()["data"][0]["slug"] == slug


def test_the_content_of_an_expired_secret_is_destroyed_by_itself(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_secret(client, expires_at="2031-01-01")
        with server.begin() as ctx:
            ctx.session.connection().exec_driver_sql("UPDATE secrets SET expires_at = 1")
        deadline = monotonic() + 30
        while "sealed_contents" in {table for table, rows in dump(server).items() if rows}:
            assert monotonic() < deadline
            sleep(0.05)
        assert client.get("/usage").json()["data"]["links"]["used"] == 0


def test_of_thirty_who_reveal_at_once_one_gets_it(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        for _ in range(3):
            slug = make_secret(client, "canary-7531")
            answers = at_once(*[lambda slug=slug: client.post(f"/secrets/{slug}/reveal")] * 30)
            assert sorted(answer.status_code for answer in answers) == [200] + [410] * 29
            assert sum("canary" in answer.text for answer in answers) == 1


def test_a_reveal_that_is_sent_again_is_not_answered_from_memory(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        key = {"Idempotency-Key": "order-1"}
        made = [client.post("/secrets", json={"content": "canary-7531", "max_uses": 2}, headers=key) for _ in range(2)]
        assert [answer.status_code for answer in made] == [201, 201]
        assert made[0].content == made[1].content
        slug = made[0].json()["data"]["slug"]
        reveals = [client.post(f"/secrets/{slug}/reveal", headers={"Idempotency-Key": "r"}) for _ in range(2)]
        # Nor is it done again: it may be the last time that it can be.
        assert [answer.status_code for answer in reveals] == [200, 409]
        assert "canary" not in reveals[1].text
        assert client.get(f"/secrets/{slug}").json()["data"]["remaining_uses"] == 1


def test_a_secret_of_a_lost_key_stays_unread(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        slug = make_secret(client)
        with server.begin() as ctx:
            ctx.session.connection().exec_driver_sql("UPDATE secrets SET workspace_id = workspace_id, slug = 'moved'")
        answer = client.post("/secrets/moved/reveal")
        assert (answer.status_code, "another key" in answer.json()["message"]) == (503, True)
        assert client.get("/secrets/moved").json()["data"]["remaining_uses"] == 1
        assert client.get(f"/secrets/{slug}").status_code == 404
