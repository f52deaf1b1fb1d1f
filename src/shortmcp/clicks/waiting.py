"""Waiting for the ingester: until what has been answered by now is in the database."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection

from shortmcp.clicks.backlog import journal_files, size_of
from shortmcp.clicks.ingest import read_position

POLL_SECONDS = 0.05
Transaction = Callable[[], AbstractContextManager[Connection]]


def wait_until_counted(folder: Path, read: Transaction, patience: float) -> int:
    """Wait until what stands in the journal at the call is counted; the bytes of it that are not after `patience`.

    Whoever counts must run elsewhere; `patience` is in seconds.
    """
    sizes = {path: size_of(path) for path in journal_files(folder)}
    deadline = time.monotonic() + patience
    while (left := _uncounted(sizes, read)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return left


def _uncounted(sizes: Mapping[Path, int], read: Transaction) -> int:
    # A file that is gone was counted to its end before it was deleted.
    there = {path: size for path, size in sizes.items() if size and path.exists()}
    if not there:
        return 0
    with read() as connection:
        return sum(max(0, size - read_position(connection, path.name)) for path, size in there.items())
