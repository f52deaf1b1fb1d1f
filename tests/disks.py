"""Disks of a few megabytes that tests can fill."""

import errno
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest

PIECE = bytes(4096)


@contextmanager
def small_disk(folder: Path, *options: str) -> Generator[Path]:
    """A file system of its own in `folder`, with tmpfs' `options`; without the right to mount, the test is skipped."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a full disk was NOT tested: tmpfs cannot be mounted here ({error})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all room that there is; deleting the file that is returned gives it back."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_for_ever(file)
    return filler


def write_for_ever(file: FileIO) -> None:
    while True:
        file.write(PIECE)
