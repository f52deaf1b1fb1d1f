"""Load that remembers each answer, on servers that are killed under it, and what the database says afterwards."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx2
from sqlalchemy import text

from factories import CHROME, TLS, free_port
from processes import SHORTMCP, Process, wait_until_healthy
from shortmcp.adapters.database import Database
from shortmcp.clicks.backlog import backlog_bytes

# Instead of `shortmcp`: the same server, but its clicks wait in memory for half a second.
LOSSY = [sys.executable, str(Path(__file__).with_name("lossy_server.py"))]
REAL = [str(SHORTMCP)]
VISITORS = 16
MAX_VISITS = 60_000


@dataclass
class Load:
    """Visitors who ask for one link again and again; each visit has a number of its own, seen in `utm_content`."""

    code: str
    most: int = MAX_VISITS
    # Seconds that each visitor rests after an answer: where the load lasts, or what it makes would take long to count.
    rest: float = 0.0
    sent: int = 0
    acked: set[str] = field(default_factory=set[str])
    cut_off: int = 0
    refused: Counter[bytes] = field(default_factory=Counter[bytes])

    @contextmanager
    def on(self, url: str) -> Generator[None]:
        """Visits until the block ends or the server is gone."""
        parts = urlsplit(url)
        stop = [False]

        async def visit_all() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(VISITORS):
                    group.create_task(self._visit(parts.hostname or "", parts.port or 0, stop))

        thread = Thread(target=asyncio.run, args=(visit_all(),))
        thread.start()
        try:
            yield
        finally:
            stop[0] = True
            thread.join(20)
            assert not thread.is_alive()

    def wait_for(self, more: int) -> None:
        """Until so many more visits have been answered."""
        wanted = len(self.acked) + more
        wait_until(lambda: len(self.acked) >= wanted)

    async def _visit(self, host: str, port: int, stop: list[bool]) -> None:
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError:
            return
        while not stop[0] and self.sent < self.most:
            name = str(self.sent)
            self.sent += 1
            try:
                writer.write(self._request(name))
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
            except (OSError, asyncio.IncompleteReadError):
                self.cut_off += 1
                break
            if head.startswith(b"HTTP/1.1 302 "):
                self.acked.add(name)
            else:
                self.refused[head.split(b"\r\n")[0]] += 1
            if self.rest:
                await asyncio.sleep(self.rest)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def _request(self, name: str) -> bytes:
        return f"GET /{self.code}?utm_content={name} HTTP/1.1\r\nHost: a\r\nUser-Agent: {CHROME}\r\n\r\n".encode()


@dataclass(frozen=True)
class Result:
    """What became of the visits: numbers of the answered that are not recorded, of the recorded twice, and so on."""

    acked: int
    recorded: int
    lost: int
    doubled: int
    unanswered_recorded: int
    in_flight: int


@dataclass(frozen=True)
class Instance:
    """An instance's folder and database, and how its server is started."""

    folder: Path
    database_url: str
    command: list[str] = field(default_factory=lambda: REAL)
    workers: int = 1

    @contextmanager
    def run(self) -> Generator[Process]:
        """A server that answers; killed at the end, if it still runs."""
        process = self.start()
        try:
            wait_until_healthy(process)
            yield process
        finally:
            kill(process)

    def start(self) -> Process:
        """Start a server in a process group of its own, whether it answers yet or not."""
        self.folder.mkdir(exist_ok=True)
        port = free_port()
        output, errors = self.folder / f"out-{port}.txt", self.folder / f"err-{port}.txt"
        options = ["--port", str(port), "--workers", str(self.workers)]
        options += ["--data-dir", str(self.folder / "data"), "--database-url", self.database_url]
        with output.open("ab") as out, errors.open("ab") as err:
            popen = subprocess.Popen([*self.command, "serve", *options], stdout=out, stderr=err, start_new_session=True)
        return Process(f"http://127.0.0.1:{port}", popen, output, errors)

    def clicks(self) -> Counter[str]:
        """How often each visit is recorded."""
        database = Database(self.database_url)
        with database.read() as connection:
            found = Counter(connection.execute(text("SELECT utm_content FROM clicks")).scalars().all())
        database.close()
        return found

    def backlog(self) -> int:
        """The bytes in the files of writers that were killed: these files go when they are counted."""
        # As the ingester counts them: it may delete a file while they are listed.
        return backlog_bytes(self.folder / "data" / "clicks", {})


def crash(instance: Instance, kills: int, visits: int) -> Result:
    """Kill all of a server's processes under load, `kills` times, after `visits` answers each; then count."""
    load: Load | None = None
    for _ in range(kills):
        with instance.run() as process:
            load = load or Load(make_link(process))
            with load.on(process.url):
                load.wait_for(visits)
                kill(process)
    assert load
    with instance.run():
        wait_until(lambda: instance.backlog() == 0, seconds=60)
    return judge(load, instance.clicks())


def judge(load: Load, clicks: Counter[str]) -> Result:
    """Compare answers with records."""
    assert not load.refused, load.refused
    return Result(
        acked=len(load.acked),
        recorded=clicks.total(),
        lost=len(load.acked - clicks.keys()),
        doubled=sum(times - 1 for times in clicks.values()),
        unanswered_recorded=len(clicks.keys() - load.acked),
        in_flight=load.cut_off,
    )


def kill(process: Process) -> None:
    """SIGKILL to every process of the server."""
    with suppress(ProcessLookupError):
        os.killpg(process.popen.pid, signal.SIGKILL)
    process.popen.wait(10)


def make_link(process: Process, **fields: object) -> str:
    """A link of the instance's first workspace."""
    return call(process, "/links", original_url="https://example.com/x", title="X", **fields)["short_code"]


def call(process: Process, path: str, **fields: object) -> dict[str, Any]:
    """What a POST makes for the instance's first workspace."""
    return ask(process, "POST", path, fields).raise_for_status().json()["data"]


def ask(process: Process, method: str, path: str, fields: Mapping[str, object] | None = None) -> httpx2.Response:
    """The answer to one request of the instance's first workspace; its token was printed at the first start."""
    printed = "".join(path.read_text() for path in process.output.parent.glob("out-*.txt"))
    token = re.search(r"\d+\|\S+", printed)
    assert token, printed
    return httpx2.request(
        method,
        f"{process.url}/api/v1{path}",
        json=fields,
        headers={"Authorization": f"Bearer {token[0]}"},
        timeout=30,
        trust_env=False,
        verify=TLS,
    )


def metric(process: Process, name: str) -> float:
    """A number that a server of one process tells Prometheus."""
    page = httpx2.get(f"{process.url}/metrics", timeout=30, trust_env=False, verify=TLS).text
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    assert found, page
    return float(found[1])


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
