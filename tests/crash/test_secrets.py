"""Secrets under the worst: a hundred who want one at the same moment, kill -9, and whoever searches the disk."""

import asyncio
import json
import os
import re
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from crash.harness import Instance, kill, wait_until
from factories import TLS
from processes import Process
from shortmcp.adapters.database import Database

READERS = 99
ROUNDS = 50
KILLS = 2
# Pieces of a canary as long as this are searched for in answers that must not have it.
PIECE = 8


def client_of(process: Process, token: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=process.url, headers=headers, timeout=30, trust_env=False, verify=TLS)


def read_token(process: Process) -> str:
    """The token that the first start printed."""
    found = re.search(r"\d+\|\S+", process.output.read_text())
    assert found, process.output.read_text()
    return found[0]


def make_secret(client: httpx2.Client, **fields: Any) -> tuple[str, str]:
    """The slug of a new secret, and its content."""
    content = f"{uuid4().hex}{uuid4().hex}"
    made = client.post("/api/v1/secrets", json={"content": content, **fields}).raise_for_status()
    return made.json()["data"]["slug"], content


def ways(host: str, slug: str, token: str) -> list[bytes]:
    """The three ways to a secret's content, as requests: REST, MCP, and the browser's form."""
    call = {"name": "reveal_secret", "arguments": {"slug": slug}}
    tool = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    common = f"Host: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
    kinds = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    return [
        f"POST {path} HTTP/1.1\r\n{common}{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        for path, more, body in (
            (f"/api/v1/secrets/{slug}/reveal", kinds, "{}"),
            ("/mcp", kinds, tool),
            (f"/{slug}", form, ""),
        )
    ]


async def ask_at_once(url: str, requests: list[bytes]) -> list[bytes]:
    """The answers to requests that are sent at the same moment, each on a connection of its own."""
    parts, ready = urlsplit(url), asyncio.Barrier(len(requests))

    async def ask(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        await ready.wait()
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer

    return await asyncio.gather(*[ask(request) for request in requests])


def pieces(content: str) -> set[bytes]:
    return {content[at : at + PIECE].encode() for at in range(len(content) - PIECE + 1)}


def test_of_a_hundred_who_ask_at_once_by_three_ways_exactly_one_gets_the_content(
    database_url: str, tmp_path: Path
) -> None:
    with Instance(tmp_path / "instance", database_url, workers=2).run() as process:
        token = read_token(process)
        with client_of(process, token) as client:
            for _ in range(ROUNDS):
                slug, content = make_secret(client)
                requests = ways(urlsplit(process.url).netloc, slug, token) * (READERS // 3 + 1)
                answers = asyncio.run(ask_at_once(process.url, requests[: READERS + 1]))
                got = [answer for answer in answers if content.encode() in answer]
                assert len(got) == 1
                for answer in answers:
                    if answer not in got:
                        assert answer.startswith(b"HTTP/1.1 410 ") or b'"isError":true' in answer, answer
                        assert not any(piece in answer for piece in pieces(content))


def test_what_was_revealed_before_a_kill_stays_burnt_and_nothing_is_revealed_twice(
    database_url: str, tmp_path: Path
) -> None:
    instance, answers, token = Instance(tmp_path / "instance", database_url, workers=2), dict[str, list[str]](), ""
    for _ in range(KILLS):
        with instance.run() as process:
            token = token or read_token(process)
            with client_of(process, token) as client:
                secrets = dict(make_secret(client) for _ in range(40))
            answers |= {content: [] for content in secrets.values()}
            first, *rest = secrets
            with client_of(process, token) as client:
                reader = Thread(target=reveal_all, args=(client, rest, answers))
                answers[secrets[first]].append(reveal(client, first))
                reader.start()
                wait_until(lambda a=answers, s=secrets: sum(bool(a[content]) for content in s.values()) >= 10)
                kill(process)
                reader.join(30)
        with instance.run() as process, client_of(process, token) as client:
            revealed = {content for content in secrets.values() if answers[content]}
            assert len(revealed) >= 10
            for slug, content in secrets.items():
                again = client.post(f"/api/v1/secrets/{slug}/reveal")
                assert not (content in revealed and again.status_code != 410)
                if again.status_code == 200:
                    answers[content].append(again.json()["data"]["content"])
    assert {content: found for content, found in answers.items() if found not in ([], [content])} == {}


def reveal(client: httpx2.Client, slug: str) -> str:
    return client.post(f"/api/v1/secrets/{slug}/reveal").raise_for_status().json()["data"]["content"]


def reveal_all(client: httpx2.Client, slugs: list[str], answers: dict[str, list[str]]) -> None:
    """Reveal one after the other until the server is gone."""
    with suppress(httpx2.TransportError):
        for slug in slugs:
            content = reveal(client, slug)
            answers[content].append(content)


def test_nothing_of_a_burnt_secret_is_left_in_any_file_or_log(database_url: str, tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", database_url)
    with instance.run() as process:
        token = read_token(process)
        with client_of(process, token) as client:
            keys = {"Idempotency-Key": "order-1"}
            burnt = dict(
                [
                    make_secret(client),
                    make_secret(client, passphrase="zqx open sesame"),
                    make_secret(client, max_uses=2),
                ]
            )
            deleted, unread = make_secret(client)
            kept, content = make_secret(client)
            client.post("/api/v1/secrets", json={"content": content + "k", "slug": "keyed"}, headers=keys)
            burnt["keyed"] = content + "k"
            traces = [one.encode() for one in (*burnt.values(), unread, "zqx open sesame")]
            traces += stored(database_url, [*burnt, deleted])
            assert is_anywhere(tmp_path, traces) or not database_url.startswith("sqlite")
            client.post("/api/v1/secrets/keyed/reveal", headers=keys)
            for slug in burnt:
                client.post(f"/{slug}", data={"passphrase": "zqx open sesame"})
                client.post(f"/api/v1/secrets/{slug}/reveal", json={"passphrase": "zqx open sesame"})
                assert client.get(f"/{slug}").status_code == 410
            client.delete(f"/api/v1/secrets/{deleted}")
            # At once, unless somebody was reading just then.
            wait_until(lambda: not is_anywhere(tmp_path, traces))
            assert stored(database_url, [*burnt, deleted]) == []
            assert reveal(client, kept) == content


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_seed_of_many_burnt_in_any_order_is_left_on_disk(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(Instance(tmp_path / "instance", database_url).run())
        client = stack.enter_context(client_of(process, read_token(process)))
        made = [make_secret(client, content="x" * (number * 700)) for number in range(1, 61)]
        slugs = [slug for slug, _ in made]
        burnt = slugs[::2] + slugs[1:40:4]
        traces = [seed for at, seed in enumerate(stored(database_url, burnt)) if at % 2]
        assert len(traces) == len(burnt)
        for slug in sorted(burnt):
            reveal(client, slug)
        wait_until(lambda: not is_anywhere(tmp_path, traces))
        for slug in set(slugs) - set(burnt):
            assert reveal(client, slug)


def stored(database_url: str, slugs: list[str]) -> list[bytes]:
    """What the database keeps of secrets' contents: of each a piece of what is encrypted, and the seed."""
    database, found = Database(database_url), list[bytes]()
    query = "SELECT sealed, seed FROM sealed_contents c JOIN secrets s ON s.id = c.secret_id WHERE s.slug = :slug"
    with database.read() as connection:
        for slug in slugs:
            for sealed, seed in connection.execute(text(query), {"slug": slug}):
                found += [bytes(sealed[-64:]), bytes(seed)]
    database.close()
    return found


def is_anywhere(folder: Path, traces: list[bytes]) -> bool:
    """Whether any file below the folder holds any of the traces: database, logs, journal, what was printed."""
    files = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    held = [read_quietly(path) for path in files]
    return any(trace in content for content in held for trace in traces)


def read_quietly(path: Path) -> bytes:
    # Journals come and go.
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
