"""A file that is there whole or not at all, and never in place of another one."""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from shortmcp.clicks.files import sync_folder

# Tables whose rows are left out of copies: they lead from hashes to addresses, and are thrown away after a day or two.
PRIVATE_TABLES = ("visitor_salts", "visitors", "journal_rejects")
# What is being done, the bytes that are done, and how many there will be, None where nobody knows.
Report = Callable[[str, int, int | None], None]


@contextmanager
def unfinished(target: Path) -> Generator[Path]:
    """An empty 0600 file beside `target`, which becomes `target` when the block ends well and is deleted otherwise.

    FileExistsError where `target` is there, also where it came while the block ran.
    """
    if target.exists():
        raise FileExistsError(target)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    _create(partial)
    try:
        yield partial
        _sync(partial)
        # Not a hard link, which not every disk for backups knows: the name is taken first, then the file put there.
        _create(target)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(target.parent)


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
