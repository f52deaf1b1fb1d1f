"""Journal files: made so that nobody takes them for abandoned, and let go so that the ingester can have them."""

import contextlib
import fcntl
import os
import secrets
import time
from pathlib import Path
from uuid import UUID


def open_file(folder: Path) -> int:
    """A new locked journal file in `folder`, which is made if need be; its name is on the disk."""
    make_folder(folder)
    name = uuid7()
    hidden, visible = folder / f"{name}.new", folder / f"{name}.log"
    descriptor = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Only now the name that the ingester looks for: it would delete an empty file that nobody has locked.
        hidden.rename(visible)
        sync_folder(folder)
    except OSError:
        os.close(descriptor)
        hidden.unlink(missing_ok=True)
        raise
    return descriptor


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Put the folder's list of names on the disk: the sync of a file does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def release(descriptor: int) -> None:
    # On network file systems closing may fail too; the sync has said all there is to say.
    with contextlib.suppress(OSError):
        # Closing alone would leave the lock to a child that was forked meanwhile.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    with contextlib.suppress(OSError):
        os.close(descriptor)


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): names sort by the time at which they were made."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)
