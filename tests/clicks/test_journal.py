"""The writer: what it acknowledged is in a file, once, whatever happens to the process or the disk."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count, takewhile
from pathlib import Path
from threading import Event

import pytest

from journals import eventually, numbered, quiet_journal, recorded, torn_lines
from shortmcp.clicks.backlog import journal_files, read_batch
from shortmcp.clicks.files import uuid7
from shortmcp.clicks.journal import MAX_PAYLOAD, Journal


class FailingSync:
    """The disk's answer to a sync: EIO as often as asked. Remembers which file each sync was for."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.files: list[int] = []

    def __call__(self, descriptor: int) -> None:
        self.files.append(os.fstat(descriptor).st_ino)
        if len(self.files) <= self.failures:
            raise OSError(errno.EIO, "injected")


def test_a_written_click_can_be_read_before_write_returns(tmp_path: Path) -> None:
    with closing(quiet_journal(tmp_path)) as journal:
        assert journal.write(b'{"n": 1}')
        assert read_batch(journal_files(tmp_path)[0], 0).payloads == [b'{"n": 1}']
        assert (journal.written, journal.pending, journal.dropped) == (1, 0, 0)


def test_a_line_is_a_checksum_a_space_and_the_payload(tmp_path: Path) -> None:
    with closing(quiet_journal(tmp_path)) as journal:
        journal.write(b"123456789")
    assert journal_files(tmp_path)[0].read_bytes() == b"cbf43926 123456789\n"


def test_only_the_owner_may_read_folder_and_file(tmp_path: Path) -> None:
    folder = tmp_path / "clicks"
    with closing(quiet_journal(folder)):
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
    assert modes == [0o700, 0o600]


def test_file_names_sort_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    milliseconds = iter(range(1_790_000_000_000, 1_790_000_000_100))
    monkeypatch.setattr("time.time_ns", lambda: next(milliseconds) * 1_000_000)
    names = [uuid7() for _ in range(100)]
    assert names == sorted(names)
    assert {(name.version, name.variant) for name in names} == {(7, "specified in RFC 4122")}


def test_a_group_of_clicks_is_one_line_each_in_their_order(tmp_path: Path) -> None:
    with closing(quiet_journal(tmp_path)) as journal:
        journal.write_all([numbered(number) for number in range(50)])
        assert recorded(tmp_path) == list(range(50))
        assert (journal.written, journal.pending, journal.dropped) == (50, 0, 0)


@pytest.mark.parametrize("payload", [b"x" * (MAX_PAYLOAD + 1), b"one\ntwo"])
def test_a_bad_payload_in_a_group_is_dropped_alone(tmp_path: Path, payload: bytes) -> None:
    with closing(quiet_journal(tmp_path)) as journal:
        journal.write_all([numbered(1), payload, numbered(2)])
        assert (journal.written, journal.pending, journal.dropped) == (2, 0, 1)
    assert recorded(tmp_path) == [1, 2]


def test_strict_syncs_each_click_of_a_group_before_it_returns(tmp_path: Path) -> None:
    disk = FailingSync(failures=0)
    with closing(Journal(tmp_path, sync_interval=0, strict=True, fdatasync=disk)) as journal:
        journal.write_all([numbered(1), numbered(2)])
        assert len(disk.files) == 2


@pytest.mark.parametrize("payload", [b"x" * (MAX_PAYLOAD + 1), b"one\ntwo"])
def test_a_payload_that_is_too_long_or_has_a_line_feed_is_counted_as_dropped(tmp_path: Path, payload: bytes) -> None:
    with closing(quiet_journal(tmp_path)) as journal:
        assert not journal.write(payload)
        assert journal.write(b"x" * MAX_PAYLOAD)
        assert (journal.written, journal.pending, journal.dropped) == (1, 0, 1)


WRITE_UNTIL_KILLED = """
import itertools, json, os, sys
from pathlib import Path
from shortmcp.clicks.journal import Journal
journal = Journal(Path(sys.argv[1]), rotate_bytes=100_000)
for number in itertools.count():
    if journal.write(json.dumps({"n": number}).encode()):
        os.write(1, b"%d\\n" % number)
"""


@pytest.mark.parametrize("enough", [1, 1000, 20_000])
def test_kill_9_loses_no_acknowledged_click_and_doubles_none(tmp_path: Path, enough: int) -> None:
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout
        acknowledged = [int(child.stdout.readline()) for _ in range(enough)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout if line.endswith(b"\n")]
    clicks = recorded(tmp_path)
    assert child.returncode == -signal.SIGKILL
    assert len(clicks) == len(set(clicks))
    assert set(acknowledged) <= set(clicks)
    assert len(clicks) <= len(acknowledged) + 1


def test_the_thread_syncs_what_was_written_and_rests_when_nothing_was(tmp_path: Path) -> None:
    disk = FailingSync(failures=0)
    with closing(Journal(tmp_path, sync_interval=0.001, fdatasync=disk)) as journal:
        journal.write(b"{}")
        eventually(lambda: len(disk.files) == 1)
    assert len(disk.files) == 1


def test_an_interval_of_zero_syncs_only_when_the_file_is_left(tmp_path: Path) -> None:
    disk = FailingSync(failures=0)
    with closing(Journal(tmp_path, sync_interval=0, fdatasync=disk)) as journal:
        journal.write(b"{}")
        journal.sync()
        assert disk.files == []
    assert len(disk.files) == 1


def test_strict_returns_after_the_sync_and_false_if_it_failed(tmp_path: Path) -> None:
    disk = FailingSync(failures=1)
    with closing(Journal(tmp_path, sync_interval=0, strict=True, fdatasync=disk)) as journal:
        assert [journal.write(numbered(1)), len(disk.files)] == [False, 1]
        assert [journal.write(numbered(2)), len(disk.files)] == [True, 2]
    # Two files of one millisecond have no order of their own.
    assert sorted(recorded(tmp_path)) == [1, 2]


def test_rotation_by_size_loses_nothing_while_threads_write(tmp_path: Path) -> None:
    descriptors_before = open_descriptors()
    enough = Event()
    with closing(quiet_journal(tmp_path, rotate_bytes=10_000)) as journal, ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write_until, enough, journal, numbers=count(start, 4)) for start in range(4)]
        eventually(lambda: journal.sync() or len(journal_files(tmp_path)) > 50)
        enough.set()
        acknowledged = [number for writer in writers for number in writer.result()]
    assert Counter(recorded(tmp_path)) == Counter(acknowledged)
    assert (journal.written, journal.dropped) == (len(acknowledged), 0)
    assert torn_lines(tmp_path) == 0
    assert open_descriptors() == descriptors_before


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def write_until(enough: Event, journal: Journal, numbers: Iterator[int]) -> list[int]:
    return [number for number in takewhile(lambda _: not enough.is_set(), numbers) if journal.write(numbered(number))]


def test_rotation_does_not_close_a_file_under_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, let_go, write = Event(), Event(), os.write

    def slow_write(descriptor: int, line: bytes) -> int:
        reached.set()
        assert let_go.wait(30)
        return write(descriptor, line)

    with closing(quiet_journal(tmp_path, rotate_bytes=1)) as journal, ThreadPoolExecutor() as threads:
        journal.write(numbered(1))
        monkeypatch.setattr("os.write", slow_write)
        written = threads.submit(journal.write, numbered(2))
        assert reached.wait(30)
        rotated = threads.submit(journal.sync)
        with pytest.raises(TimeoutError):
            rotated.result(timeout=0.1)
        let_go.set()
        assert written.result()
    assert recorded(tmp_path) == [1, 2]


def test_rotation_by_age_leaves_an_empty_file_alone(tmp_path: Path) -> None:
    with closing(quiet_journal(tmp_path, rotate_seconds=0)) as journal:
        journal.sync()
        assert len(journal_files(tmp_path)) == 1
        journal.write(numbered(1))
        journal.sync()
        assert len(journal_files(tmp_path)) == 2


def test_no_write_waits_for_a_sync(tmp_path: Path) -> None:
    reached, let_go = Event(), Event()

    def slow_disk(_: int) -> None:
        reached.set()
        assert let_go.wait(30)

    with closing(Journal(tmp_path, sync_interval=0.001, fdatasync=slow_disk)) as journal:
        journal.write(numbered(1))
        assert reached.wait(30)
        assert journal.write(numbered(2))
        let_go.set()


def test_a_closed_journal_counts_as_dropped_and_may_be_closed_again(tmp_path: Path) -> None:
    journal = quiet_journal(tmp_path)
    journal.close()
    assert not journal.write(b"{}")
    journal.close()
    assert (journal.written, journal.pending, journal.dropped) == (0, 0, 1)
    assert len(journal_files(tmp_path)) == 1
