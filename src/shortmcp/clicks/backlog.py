"""The reading side of the click journal: which files there are, what is in them, and whose writer is gone."""

import fcntl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from shortmcp.clicks.journal import MAX_LINE, frame

CHECKSUM = len(frame(b"")) - len(b"\n")


@dataclass(frozen=True)
class Batch:
    """What stands in a file from an offset on: the clicks, the damaged lines, and where to go on."""

    payloads: list[bytes]
    bad: list[bytes]
    next_offset: int


def journal_files(folder: Path) -> list[Path]:
    """All journal files, the oldest first; none where there is no folder."""
    return sorted(folder.glob("*.log"))


def is_abandoned(path: Path) -> bool:
    """Whether the file's writer is dead or has gone on to another file, so that nothing will be added.

    Ask before the read whose end shall be the file's end: a click may be written between a read and the question.
    """
    with path.open("rb") as file:
        try:
            # A shared lock: two readers who ask at the same time do not take each other for the writer.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def read_batch(path: Path, offset: int, limit: int = 150_000, *, final: bool = False) -> Batch:
    """The lines from `offset` on, up to the last LF within `limit` bytes (at least one line's length).

    `final` says that the file is abandoned: then the rest after its last LF is read as a line too. A run of bytes
    without LF that is longer than any line is bad and comes in pieces of `limit`.
    """
    limit = max(limit, MAX_LINE)
    with path.open("rb") as file:
        file.seek(offset)
        chunk = file.read(limit)
    end = chunk.rfind(b"\n") + 1
    reached_end = len(chunk) < limit
    if (reached_end and final) or (not reached_end and end == 0):
        end = len(chunk)
    return sort_lines(chunk[:end], offset + end)


def backlog_bytes(folder: Path, offsets: Mapping[str, int]) -> int:
    """How much waits to be read; `offsets` by file name, a file without one has not been begun."""
    return sum(max(0, size_of(path) - offsets.get(path.name, 0)) for path in journal_files(folder))


def sort_lines(chunk: bytes, next_offset: int) -> Batch:
    payloads: list[bytes] = []
    bad: list[bytes] = []
    # Empty lines are left where a writer began anew after a torn line.
    for line in filter(None, chunk.split(b"\n")):
        payload = line[CHECKSUM:]
        # What `frame` writes, without the copy of the line that it would make.
        if line[:CHECKSUM] == b"%08x " % crc32(payload):
            payloads.append(payload)
        else:
            bad.append(line)
    return Batch(payloads, bad, next_offset)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # ingested and deleted since the folder was listed
        return 0
