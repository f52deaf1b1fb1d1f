"""PostgreSQL servers of a test's own, which it may stop, kill and freeze."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from factories import free_port

START_SECONDS = 60


@dataclass
class Cluster:
    """A PostgreSQL server in `folder`; what is committed survives, as `fsync` is on."""

    programs: Path
    folder: Path
    port: int
    options: list[str] = field(default_factory=list[str])
    popen: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """The URL of a new, empty database."""
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {database}".encode())
        return self.url(database)

    def connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def make(self) -> None:
        """Make the cluster's files."""
        command = [self.programs / "initdb", "-D", self.folder / "data", "-E", "UTF8", "-A", "trust", "-U", "postgres"]
        done = subprocess.run(as_postgres(*command), cwd="/", capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [self.programs / "postgres", "-D", self.folder / "data", "-p", self.port, "-k", self.folder]
        with (self.folder / "log.txt").open("ab") as log:
            self.popen = subprocess.Popen(
                as_postgres(*command, "-c", "listen_addresses=127.0.0.1", *self.options),
                cwd="/",
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                assert self.popen.poll() is None, (self.folder / "log.txt").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End the server as `pg_ctl stop -m immediate` does: no word to anybody, recovery at the next start."""
        assert self.popen is not None
        self.popen.send_signal(number)
        self.popen.wait(30)

    def restart(self, *, standby: bool) -> None:
        """Shut the server down in an orderly way and start it, as a replica that may only be read or as itself."""
        self.stop(signal.SIGINT)
        mark = self.folder / "data" / "standby.signal"
        if standby:
            mark.touch()
        else:
            mark.unlink()
        self.start()

    def freeze(self) -> None:
        """Stop every process of the server where it stands."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them all go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.popen is not None
        for pid in (self.popen.pid, *_children(self.popen.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def run_postgres(*options: str) -> Generator[Cluster]:
    """A running server of its own; without the programs its tests are skipped, in CI they fail."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    program = shutil.which("initdb")
    if not found and program is None and not os.environ.get("CI"):
        pytest.skip("There is no initdb: WHAT HAPPENS WHEN POSTGRESQL IS AWAY IS NOT TESTED.")
    folder = Path(tempfile.mkdtemp(prefix="shortmcp-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    cluster = Cluster((found[-1] if found else Path(program or "initdb")).parent, folder, free_port(), list(options))
    try:
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        if cluster.popen is not None:
            cluster.thaw()
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def as_postgres(*command: object) -> list[str]:
    """A command that root runs as the user `postgres`: PostgreSQL refuses to run as root."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *words]


def _children(parent: int) -> list[int]:
    children: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # Behind the name in parentheses: the state, then the parent.
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                children.append(int(status.parent.name))
    return children
