"""Journals that tests drive by hand, and what stands in their files."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from shortmcp.clicks.backlog import journal_files, read_batch
from shortmcp.clicks.journal import Journal

# The thread sleeps for the whole test: each round is called by the test.
BY_HAND = 3600


def quiet_journal(folder: Path, *, rotate_bytes: int = 1 << 30, rotate_seconds: float = BY_HAND) -> Journal:
    return Journal(folder, sync_interval=BY_HAND, rotate_bytes=rotate_bytes, rotate_seconds=rotate_seconds)


def numbered(number: int, size: int = 300) -> bytes:
    return json.dumps({"n": number}).encode().ljust(size)


def recorded(folder: Path) -> list[int]:
    """The numbers of all clicks in all files, the writers being gone."""
    batches = [read_batch(path, 0, 1 << 30, final=True) for path in journal_files(folder)]
    return [json.loads(payload)["n"] for batch in batches for payload in batch.payloads]


def torn_lines(folder: Path) -> int:
    return sum(len(read_batch(path, 0, 1 << 30, final=True).bad) for path in journal_files(folder))


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)
