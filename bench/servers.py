"""Servers on one core, wrk on another, and what is measured of both: shared by the benchmarks that compare servers."""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2


@dataclass
class Side:
    """One of the servers that take turns, and what was measured of it."""

    name: str
    port: int
    waits_for_ingest: bool = False
    rates: list[float] = field(default_factory=list[float])
    slowest: list[float] = field(default_factory=list[float])
    costs: list[float] = field(default_factory=list[float])
    process: int = 0

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"


def parse_options(text: str | None, *, rounds: int, tools: tuple[str, ...] = ("wrk", "taskset")) -> argparse.Namespace:
    """The command line of a benchmark that `text` describes and that needs `tools`."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--server-core", default="0")
    parser.add_argument("--client-core", default="1")
    parser.add_argument("--dir", type=Path, help="Where databases and journals are made; a real disk is honest.")
    options = parser.parse_args()
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"Not installed: {', '.join(missing)} (apt-get install wrk util-linux nginx-light).")
    return options


def take_turn(side: Side, script: Path, options: argparse.Namespace, *, keep: bool, connections: int) -> None:
    """Load one side with wrk and its `script`; what comes of it is kept but in the round that warms up."""
    seconds = options.seconds if keep else 1
    spent = processor_seconds(side.process)
    load = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), side.url]
    done = subprocess.run(["taskset", "-c", options.client_core, *load], capture_output=True, text=True, check=True)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", done.stdout)
    if failed:
        raise SystemExit(f"{side.name}: {failed[0]}\n{done.stdout}")
    if keep:
        requests = int(read(r"(\d+) requests in", done.stdout))
        side.costs.append((processor_seconds(side.process) - spent) / requests * 1e6)
        side.rates.append(float(read(r"Requests/sec:\s+([\d.]+)", done.stdout)))
        side.slowest.append(milliseconds(read(r"^\s+99%\s+(\S+)", done.stdout)))


def read(pattern: str, printed: str) -> str:
    """What the pattern's group finds."""
    found = re.search(pattern, printed, re.MULTILINE)
    assert found, printed
    return found[1]


def processor_seconds(process: int) -> float:
    """What the server's process has used up: other work on the machine disturbs it less than the clock."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def milliseconds(shown: str) -> float:
    """The milliseconds of wrk's `1.23ms`, `456.00us` and `1.20s`."""
    number = read(r"^([\d.]+)", shown)
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[shown.removeprefix(number)]


@contextmanager
def running(command: list[str], options: argparse.Namespace, output: Path) -> Generator[int]:
    """A server on its core, in a process group of its own; gives its process id."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHORTMCP_")}
    with output.open("w") as file:
        process = subprocess.Popen(
            ["taskset", "-c", options.server_core, *command],
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def wait_for(url: str) -> None:
    """Until a server answers, whatever it says."""
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx2.get(url, trust_env=False)
        except httpx2.TransportError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
