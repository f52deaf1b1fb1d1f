"""PostgreSQL: its own pg_dump makes the copy, in the custom format that pg_restore reads."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL

from shortmcp.adapters.backup.files import PRIVATE_TABLES, Report

LOOK_SECONDS = 1.0


def dump(url: URL, empty: Path, report: Report) -> None:
    """Dump one state of the database into the file `empty`, and read the dump once.

    ValueError where pg_dump or pg_restore is missing or fails.
    """
    place = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    left_out = [f"--exclude-table-data={table}" for table in PRIVATE_TABLES]
    command = ["pg_dump", "--format=custom", "--no-password", f"--file={empty}", *left_out, f"--dbname={place}"]
    _run(command, url.password, lambda: report("copied", empty.stat().st_size, None))
    size = empty.stat().st_size
    # Reads and unpacks everything, into nothing.
    _run(["pg_restore", "--file=/dev/null", str(empty)], None, lambda: report("checking", 0, size))


def _run(command: list[str], password: str | None, look: Callable[[], None]) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise ValueError(
            f"{command[0]} is not installed here: it comes with PostgreSQL's client programs, of the server's major "
            "version or a newer one. Install them, or run it where they are."
        )
    # In the environment: everybody on the machine can read command lines.
    secret = {} if password is None else {"PGPASSWORD": str(password)}
    with (
        subprocess.Popen(  # noqa: S603 - no shell, and the program is PostgreSQL's
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **secret},
        ) as running
    ):
        try:
            said = _wait(running, look)
        except BaseException:
            running.terminate()
            raise
    if running.returncode:
        last = said.strip().splitlines()[-1:] or ["it says nothing"]
        raise ValueError(f"{command[0]} failed: {last[0]}")


def _wait(running: subprocess.Popen[str], look: Callable[[], None]) -> str:
    while True:
        try:
            return running.communicate(timeout=LOOK_SECONDS)[1]
        except subprocess.TimeoutExpired:
            look()
