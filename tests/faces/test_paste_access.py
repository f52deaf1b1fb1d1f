"""What keeps a paste's text from whoever asks over REST and MCP: its password, and its time."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy import text

from calls import HELLO, at_once, call_tool, expire_paste, make_paste, mcp_client
from dumps import dump
from factories import Server
from shortmcp.core.context import Scope
from shortmcp.core.pastes.visits import purge_expired_texts

GONE = "This paste has expired, and its text is gone."


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client of a workspace."""
    with server.client(server.open_workspace()) as client:
        yield client


def test_a_password_keeps_the_text_from_whoever_does_not_know_it(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client, mcp_client(server, access) as mcp:
        made = make_paste(client, password="open sesame")
        code = made["paste_code"]
        locked = {**made, "content": None, "next_offset": None}
        assert (made["has_password"], client.get(f"/pastes/{code}").json()["data"]) == (True, locked)
        raw = client.get(f"/pastes/{code}/raw")
        assert (raw.status_code, raw.json()["code"], "`password`" in raw.json()["message"]) == (403, "forbidden", True)
        assert HELLO not in raw.text
        assert "content" not in call_tool(mcp, "get_paste", {"paste_code": code})["structuredContent"]["data"]

        right = client.post(f"/pastes/{code}/verify-password", json={"password": "open sesame"})
        assert (right.status_code, right.json()["data"]) == (200, {**locked, "content": HELLO})
        result = call_tool(mcp, "get_paste", {"paste_code": code, "password": "open sesame"})
        assert result["structuredContent"]["data"]["content"] == HELLO

        wrong = client.post(f"/pastes/{code}/verify-password", json={"password": "open"})
        sentence = "`password` is not the password of this paste."
        refused = {"message": sentence, "code": "forbidden", "errors": {"password": [sentence]}}
        assert (wrong.status_code, wrong.json()) == (403, refused)
        result = call_tool(mcp, "get_paste", {"paste_code": code, "password": "open"})
        assert (result["isError"], result["content"][0]["text"]) == (True, sentence)
        assert "open sesame" not in str(dump(server))


def test_the_hash_of_a_password_is_not_the_password(server: Server, client: httpx2.Client) -> None:
    code = make_paste(client, password="open sesame")["paste_code"]
    with server.begin() as ctx:
        hashed = ctx.session.connection().execute(text("SELECT password_hash FROM pastes")).scalar_one()
    assert hashed.startswith("$argon2id$")
    answer = client.post(f"/pastes/{code}/verify-password", json={"password": hashed})
    assert answer.status_code == 403


def test_a_password_is_asked_for_in_the_body_and_nowhere_else(client: httpx2.Client) -> None:
    code = make_paste(client, password="open sesame")["paste_code"]
    for path in (f"/pastes/{code}", f"/pastes/{code}/raw"):
        answer = client.get(path, params={"password": "open sesame"})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["password"])
    missing = client.post(f"/pastes/{code}/verify-password", json={})
    assert (missing.status_code, missing.json()["message"]) == (422, "`password` is required.")
    public = make_paste(client)["paste_code"]
    answer = client.post(f"/pastes/{public}/verify-password", json={"password": "whatever"})
    assert (answer.status_code, answer.json()["data"]["content"]) == (200, HELLO)


def test_ten_wrong_passwords_of_a_token_are_enough(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client, server.client(server.add_token(access, Scope.READ)) as other:
        path = f"/pastes/{make_paste(client, password='open sesame')['paste_code']}/verify-password"
        assert {client.post(path, json={"password": f"guess {n}"}).status_code for n in range(10)} == {403}
        limited = client.post(path, json={"password": "open sesame"})
        assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
        assert 0 < int(limited.headers["retry-after"]) <= 600
        # Who may read alone may read this, too.
        assert other.post(path, json={"password": "open sesame"}).json()["data"]["content"] == HELLO


def test_guesses_at_once_are_counted_each(server: Server, client: httpx2.Client) -> None:
    path = f"/pastes/{make_paste(client, password='open sesame')['paste_code']}/verify-password"
    answers = at_once(*[lambda: client.post(path, json={"password": "wrong"})] * 16)
    assert sorted(answer.status_code for answer in answers) == [403] * 10 + [429] * 6


def test_an_expired_paste_is_gone_on_every_way_in(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client, mcp_client(server, access) as mcp:
        made = make_paste(client, expiry_hours=1, password="open sesame")
        code = made["paste_code"]
        expire_paste(server, code)
        for answer in (
            client.get(f"/pastes/{code}"),
            client.get(f"/pastes/{code}/raw"),
            client.post(f"/pastes/{code}/verify-password", json={"password": "open sesame"}),
        ):
            assert (answer.status_code, answer.json()) == (410, {"message": GONE, "code": "gone"})
        result = call_tool(mcp, "get_paste", {"paste_code": code, "password": "open sesame"})
        assert (result["isError"], result["content"][0]["text"]) == (True, GONE)
        assert [paste["id"] for paste in client.get("/pastes").json()["data"]] == [made["id"]]
        with server.client(server.open_workspace()) as stranger:
            foreign, nothing = stranger.get(f"/pastes/{code}"), stranger.get("/pastes/neverwas")
            assert (foreign.status_code, foreign.content) == (404, nothing.content)
        assert client.delete(f"/pastes/{code}").status_code == 204


def test_the_texts_of_expired_pastes_are_taken_away_and_no_others(server: Server, client: httpx2.Client) -> None:
    kept = [make_paste(client, content=f"kept {hours}", expiry_hours=hours)["paste_code"] for hours in (None, 1)]
    old = make_paste(client, content="canary-in-a-paste", expiry_hours=1)["paste_code"]
    expire_paste(server, old)
    now = int(datetime.now(UTC).timestamp() * 1000)
    with server.node.database.write() as connection:
        assert purge_expired_texts(connection, now) == 1
    with server.node.database.write() as connection:
        assert purge_expired_texts(connection, now) == 0
    assert "canary-in-a-paste" not in str(dump(server))
    assert client.get(f"/pastes/{old}").status_code == 410
    assert [client.get(f"/pastes/{code}/raw").text for code in kept] == ["kept None", "kept 1"]
