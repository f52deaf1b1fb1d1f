"""A limit of clicks, on two worker processes: whoever comes at the same moment, exactly as many get through."""

import asyncio
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crash.harness import Instance, make_link, wait_until
from factories import CHROME

VISITORS = 100
ROUNDS = 50


async def visit_at_once(url: str, code: str) -> Counter[bytes]:
    """The status lines that 100 visitors get who ask at the same moment, each on a connection of its own."""
    parts = urlsplit(url)
    request = f"GET /{code} HTTP/1.1\r\nHost: a\r\nUser-Agent: {CHROME}\r\nConnection: close\r\n\r\n".encode()
    ready = asyncio.Barrier(VISITORS)

    async def visit() -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        await ready.wait()
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return answer.split(b"\r\n", 1)[0]

    return Counter(await asyncio.gather(*[visit() for _ in range(VISITORS)]))


@pytest.mark.parametrize(("limit", "rounds"), [(1, ROUNDS), (7, 2)])
def test_of_a_hundred_visitors_exactly_as_many_as_the_limit_says_reach_the_destination(
    database_url: str, tmp_path: Path, limit: int, rounds: int
) -> None:
    instance = Instance(tmp_path / "instance", database_url, workers=2)
    with instance.run() as process:
        for _ in range(rounds):
            code = make_link(process, max_clicks=limit)
            answers = asyncio.run(visit_at_once(process.url, code))
            assert answers == {b"HTTP/1.1 302 Found": limit, b"HTTP/1.1 410 Gone": VISITORS - limit}
        # And each of those is one click.
        wait_until(lambda: instance.clicks().total() == limit * rounds)
