"""Real server processes: `shortmcp serve` as a person starts it."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from factories import TLS, free_port

SHORTMCP = Path(sys.executable).with_name("shortmcp")
START_SECONDS = 60


@dataclass(frozen=True)
class Process:
    """A running `shortmcp serve`; what it prints goes to `output`, its logs to `errors`."""

    url: str
    popen: subprocess.Popen[bytes]
    output: Path
    errors: Path


@contextmanager
def serve(
    folder: Path, *arguments: str, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Generator[Process]:
    """Start a server with its data in `folder` and wait until it answers; stopped at the end, if it still runs."""
    port = port or free_port()
    output, errors = folder / f"out-{port}.txt", folder / f"err-{port}.txt"
    with output.open("ab") as out, errors.open("ab") as err:
        popen = subprocess.Popen(
            [SHORTMCP, "serve", "--port", str(port), "--data-dir", str(folder / "data"), *arguments],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "SHORTMCP_TRUSTED_PROXIES": "127.0.0.1", **(environment or {})},
            start_new_session=True,
        )
    process = Process(f"http://127.0.0.1:{port}", popen, output, errors)
    try:
        wait_until_healthy(process)
        yield process
    finally:
        popen.terminate()
        try:
            popen.wait(10)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def wait_until_healthy(process: Process) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.popen.poll() is None, process.errors.read_text() + process.output.read_text()
        try:
            if httpx2.get(f"{process.url}/healthz", timeout=5, trust_env=False, verify=TLS).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer: " + process.errors.read_text())
