"""Thousands of connections that are idle, dawdle or do not read: what others' redirects and the memory feel of it.

Redirects go on at a steady rate, alone and beside each crowd; a connection that the server closes is opened anew. Ends
with status 1 where their 99th percentile is 100 ms or more beside any crowd. See README.md in this folder.
"""

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# In place of this folder, where `crash` is another file.
ROOT = Path(__file__).parent.parent
sys.path[:1] = [str(ROOT / "tests"), str(ROOT)]

from bench.visitors import BROWSER, memory, percentile, visit_steadily  # noqa: E402 - see above

from crash.harness import Instance, make_link, wait_until  # noqa: E402

SECONDS = 8.0
DRIP_SECONDS = 0.5
WORST_P99 = 0.100
# What the server may open for itself meanwhile, for its database.
FILES = 40
VISIT = f"GET /{{code}} HTTP/1.1\r\nHost: a\r\nUser-Agent: {BROWSER}\r\n\r\n"
ASK = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
POST = "POST /api/v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"


@dataclass(frozen=True)
class Crowd:
    """So many connections of one kind: each sends `begin`, then a byte twice a second if it `drips`."""

    name: str
    size: int
    begin: str = ""
    drips: bool = False
    reads: bool = True


CROWDS = (
    Crowd("5,000 that say nothing", 5000),
    Crowd("5,000 kept alive after a visit", 5000, VISIT),
    Crowd("1,000 with slow headers", 1000, "GET / HTTP/1.1\r\nX-Slow: ", drips=True),
    Crowd("1,000 with slow bodies", 1000, POST, drips=True),
    Crowd("500 that do not read their answers", 500, ASK * 20, reads=False),
)


def main() -> int:
    """Measure, print, compare."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < CROWDS[0].size + 500:
        raise SystemExit(f"A process may have {most} files here: too few (ulimit -Hn).")
    print(f"{'beside':34} {'median ms':>10} {'p99 ms':>8} {'memory MB':>10} {'KB each':>8} {'opened':>7}", flush=True)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "instance", f"sqlite:///{folder}/shortmcp.db")
        with instance.run() as process:
            code, server = make_link(process), process.popen.pid
            quiet = asyncio.run(visit_steadily(process.url, code, SECONDS))
            files = open_files(server)
            show("nobody", quiet, memory(server), "", "")
            for crowd in CROWDS:
                before = memory(server)
                with standing(crowd, process.url, code) as opened:
                    times = asyncio.run(visit_steadily(process.url, code, SECONDS))
                    after = memory(server)
                    each = f"{(after - before) * 1024 / crowd.size:.1f}"
                    show(crowd.name, times, after, each, str(opened()))
                worst = max(worst, percentile(times))
                wait_until(lambda: open_files(server) <= files + FILES)
    print(f"\nThe worst p99 is {worst * 1000:.1f} ms; it must stay under {WORST_P99 * 1000:.0f} ms.")
    return int(worst >= WORST_P99)


def show(name: str, times: list[float], megabytes: float, each: str, opened: str) -> None:
    """One line of the table."""
    middle, slowest = statistics.median(times) * 1000, percentile(times) * 1000
    print(f"{name:34} {middle:10.2f} {slowest:8.2f} {megabytes:10.0f} {each:>8} {opened:>7}", flush=True)


def open_files(process: int) -> int:
    """How many files and connections the process has."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


@contextmanager
def standing(crowd: Crowd, url: str, code: str) -> Generator[Callable[[], int]]:
    """A crowd in a process of its own, all of it connected; gives what says how many connections it has opened."""
    opened = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=stand, args=(crowd, url, code, opened))
    process.start()
    wait_until(lambda: opened.value >= crowd.size, seconds=60)
    try:
        yield lambda: opened.value
    finally:
        process.terminate()
        process.join()


def stand(crowd: Crowd, url: str, code: str, opened: Any) -> None:
    """Keep a crowd's connections open, until the process is ended."""
    asyncio.run(gather(crowd, url, code, opened))


async def gather(crowd: Crowd, url: str, code: str, opened: Any) -> None:
    """All of a crowd, a hundred at a time so that the server's queue does not overflow."""
    async with asyncio.TaskGroup() as group:
        for number in range(crowd.size):
            group.create_task(stay(crowd, url, code, opened))
            if number % 100 == 0:
                await asyncio.sleep(0.02)


async def stay(crowd: Crowd, url: str, code: str, opened: Any) -> None:
    """One connection after another."""
    parts = urlsplit(url)
    while True:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 10)
        opened.value += 1
        writer.write(crowd.begin.format(code=code).encode())
        with suppress(OSError):
            if not crowd.reads:
                writer.transport.pause_reading()
                await asyncio.Event().wait()
            while crowd.drips and not reader.at_eof():
                writer.write(b"x")
                await asyncio.sleep(DRIP_SECONDS)
            while await reader.read(1 << 16):
                pass
        writer.transport.abort()


if __name__ == "__main__":
    raise SystemExit(main())
