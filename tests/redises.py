"""Redis servers of a test's own, which it may stop, kill and fill."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from factories import free_port

PROGRAM = shutil.which("redis-server")
START_SECONDS = 20


@dataclass
class RedisServer:
    """A Redis that keeps nothing on disk; `options` are those of its configuration file, such as `--maxmemory 1mb`."""

    port: int
    options: list[str] = field(default_factory=list[str])
    popen: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/1"

    def start(self) -> None:
        command = [PROGRAM or "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.popen = subprocess.Popen(
            [*command, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self.popen.poll() is None, "redis-server did not start"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return

    def kill(self) -> None:
        assert self.popen is not None
        self.popen.kill()
        self.popen.wait(10)

    def freeze(self) -> None:
        assert self.popen is not None
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.popen is not None
        self.popen.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> str:
        """What the server answers, as `redis-cli` shows it."""
        command = ["redis-cli", "-p", str(self.port), "-n", "1", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()


@contextmanager
def run_redis(*options: str) -> Generator[RedisServer]:
    """A running Redis; without the program its tests are skipped, in CI they fail."""
    if PROGRAM is None and not os.environ.get("CI"):
        pytest.skip("There is no redis-server: WHAT NODES SHARE OVER REDIS IS NOT TESTED.")
    server = RedisServer(free_port(), list(options))
    server.start()
    try:
        yield server
    finally:
        server.thaw()
        server.kill()
