"""The writing side of the click journal: a click is in a file before its redirect is answered."""

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from zlib import crc32

from shortmcp.clicks.files import open_file, release


def frame(payload: bytes) -> bytes:
    """One line of a journal file: the CRC-32 in eight hex digits, a space, the payload, LF."""
    return b"%08x %b\n" % (crc32(payload), payload)


MAX_LINE = 2048
MAX_PAYLOAD = MAX_LINE - len(frame(b""))
RING_LINES = 10_000
# The thread also drains the ring and rotates, so it runs where syncing is off.
IDLE_INTERVAL = 0.2
# A disk that fails again and again must not be given a new file at every round.
TROUBLE_PAUSE = 1.0
FULL = {errno.ENOSPC, errno.EDQUOT}
CLOSED = -1
# macOS has no fdatasync.
fdatasync_or_fsync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Journal:
    """The click files of one worker process; make it after the fork, for a child would share the lock.

    `sync_interval` is in seconds, 0 leaves syncing to the kernel; `strict` syncs before `write` returns. A full disk
    is no reason not to start, any other `OSError` of the first file is raised.

    Every call of `write` is counted in exactly one of `written`, `pending` and `dropped`. `sync_errors` counts failed
    syncs, `lost_files` the files that were deleted while they were written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sync_interval: float = 0.02,
        rotate_bytes: int = 64 << 20,
        rotate_seconds: float = 600,
        strict: bool = False,
        fdatasync: Callable[[int], None] = fdatasync_or_fsync,
    ) -> None:
        self.written = self.dropped = self.sync_errors = self.lost_files = 0
        self._folder = folder
        self._sync_interval = sync_interval
        self._rotate_bytes = rotate_bytes
        self._rotate_seconds = rotate_seconds
        self._strict = strict
        self._fdatasync = fdatasync
        self._ring: deque[bytes] = deque()
        self._torn = self._unsynced = self._failing = self._closed = False
        self._no_file_before = 0.0
        # Who syncs, swaps or closes the descriptor holds `_file_lock`; who writes to it or swaps it holds
        # `_write_lock`, which is taken last and never held during a sync: redirects wait for it.
        self._file_lock = Lock()
        self._write_lock = Lock()
        self._descriptor = self._first_file()
        self._opened_at = time.monotonic()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="click-journal", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """How many lines wait in memory for a disk that takes them."""
        return len(self._ring)

    def write(self, payload: bytes) -> bool:
        """Append one click; whether it is in the file now (`strict`: and synced). Raises no `OSError`.

        False: it waits in memory, or it is counted as dropped: longer than `MAX_PAYLOAD`, with an LF inside, or no
        place left. In strict mode also: it is in the file, but the sync failed.
        """
        if self._strict:
            return self._write_and_sync(payload)
        with self._write_lock:
            return self._accept(payload)

    def write_all(self, payloads: Sequence[bytes]) -> None:
        """Append clicks by one system call; what `write` says of one holds for each of them."""
        if self._strict:
            for payload in payloads:
                self._write_and_sync(payload)
            return
        # The way of nearly every click and the dearest part of a redirect: as few steps as there can be.
        lines = [b"%08x %b\n" % (crc32(payload), payload) for payload in payloads]
        together = b"".join(lines)
        with self._write_lock:
            if self._torn or max(map(len, lines)) > MAX_LINE or together.count(b"\n") != len(lines):
                for payload in payloads:
                    self._accept(payload)
                return
            try:
                size = os.write(self._descriptor, together)
            except OSError as error:
                self._trouble(error)
                size = 0
            if size == len(together):
                self._unsynced = True
                self.written += len(lines)
            else:
                self._note_some(size, lines)

    def sync(self) -> None:
        """One round of the thread: a new file if one is due, then what waits in memory, then the sync."""
        with self._file_lock:
            if self._closed:
                return
            self._check_file()
            self._drain()
            if self._sync_interval:
                self._flush()

    def close(self) -> None:
        """Write what waits, sync, and let the ingester have the file; what still waits is counted as dropped."""
        self._stop.set()
        self._thread.join()
        self.sync()
        with self._file_lock:
            with self._write_lock:
                self._closed = True
                self.dropped += len(self._ring)
                self._ring.clear()
            self._swap(CLOSED, trusted=True)

    def _run(self) -> None:
        while not self._stop.wait(self._sync_interval or IDLE_INTERVAL):
            self.sync()

    def _first_file(self) -> int:
        try:
            return open_file(self._folder)
        except OSError as error:
            if error.errno not in FULL:
                raise
            return CLOSED

    def _write_and_sync(self, payload: bytes) -> bool:
        losses_before = self.sync_errors + self.lost_files
        with self._write_lock:
            accepted = self._accept(payload)
        return accepted and self._sync_now(losses_before)

    def _accept(self, payload: bytes) -> bool:
        """Under `_write_lock`: append a click, or keep it in memory, or count it as dropped."""
        line = frame(payload)
        if len(line) > MAX_LINE or b"\n" in payload:
            self.dropped += 1
            return False
        return self._append(line) or self._keep(line)

    def _append(self, line: bytes) -> bool:
        """Under `_write_lock`: one `os.write`; whether the whole line is in the file."""
        if self._torn:
            line = b"\n" + line
        try:
            size = os.write(self._descriptor, line)
        except OSError as error:
            self._trouble(error)
            return False
        return self._note(size, line)

    def _note(self, size: int, line: bytes) -> bool:
        self._unsynced = True
        self._torn = size < len(line)
        # Without its LF alone the line is whole: the next write ends it, so writing it again would count it twice.
        is_whole = size >= len(line) - 1
        self.written += is_whole
        return is_whole

    def _note_some(self, size: int, lines: Sequence[bytes]) -> None:
        """Under `_write_lock`: of `lines` only `size` bytes are in the file."""
        rest = iter(lines)
        for line in rest:
            if size < len(line):
                _ = (size > 0 and self._note(size, line)) or self._keep(line)
                break
            self._unsynced = True
            self.written += 1
            size -= len(line)
        for line in rest:
            self._keep(line)

    def _trouble(self, error: OSError) -> None:
        # A descriptor that is closed is no trouble of the disk's: there is no file at the moment.
        self._failing = self._descriptor != CLOSED and error.errno not in FULL

    def _keep(self, line: bytes) -> bool:
        """Under `_write_lock`: wait in memory, if there is room; False, for the line is in no file."""
        if self._closed or len(self._ring) >= RING_LINES:
            self.dropped += 1
        else:
            self._ring.append(line)
        return False

    def _sync_now(self, losses_before: int) -> bool:
        # Writers who wait here meanwhile share one sync: the first one's covers all that was written before it.
        with self._file_lock:
            self._flush()
        return self.sync_errors + self.lost_files == losses_before

    def _check_file(self) -> None:
        if self._descriptor == CLOSED or self._failing:
            self._replace_after_trouble(trusted=True)
            return
        state = os.fstat(self._descriptor)
        if state.st_nlink == 0:
            self.lost_files += 1
            self._replace_after_trouble(trusted=False)
        elif state.st_size >= self._rotate_bytes or (state.st_size and self._age() >= self._rotate_seconds):
            self._replace(trusted=True)

    def _age(self) -> float:
        return time.monotonic() - self._opened_at

    def _drain(self) -> None:
        while self._ring:
            with self._write_lock:
                if not self._append(self._ring[0]):
                    return
                self._ring.popleft()

    def _flush(self) -> None:
        with self._write_lock:
            unsynced, self._unsynced = self._unsynced, False
        # After an error the kernel may call the lost pages clean and the next sync a success: another file, at once.
        if unsynced and not self._is_synced(self._descriptor):
            self._replace_after_trouble(trusted=False)

    def _is_synced(self, descriptor: int) -> bool:
        try:
            self._fdatasync(descriptor)
        except OSError:
            self.sync_errors += 1
            return False
        return True

    def _replace_after_trouble(self, *, trusted: bool) -> None:
        now = time.monotonic()
        if now >= self._no_file_before:
            self._no_file_before = now + TROUBLE_PAUSE
            self._replace(trusted=trusted)
        elif not trusted:
            self._swap(CLOSED, trusted=False)

    def _replace(self, *, trusted: bool) -> None:
        """Go on in a new file; where none can be made, in the old one if it can be trusted, else in memory."""
        try:
            descriptor = open_file(self._folder)
        except OSError:
            if not trusted:
                self._swap(CLOSED, trusted=False)
            return
        self._opened_at = time.monotonic()
        self._swap(descriptor, trusted=trusted)

    def _swap(self, descriptor: int, *, trusted: bool) -> None:
        with self._write_lock:
            old, self._descriptor = self._descriptor, descriptor
            unsynced, self._unsynced = self._unsynced, False
            self._torn = self._failing = False
        if old == CLOSED:
            return
        if unsynced and trusted:
            self._is_synced(old)
        release(old)
