"""The writer on a disk that is full, fails or is gone: redirects go on, and every click is accounted for."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from disks import small_disk
from journals import BY_HAND, eventually, numbered, quiet_journal, recorded, torn_lines
from shortmcp.clicks.backlog import journal_files
from shortmcp.clicks.journal import RING_LINES, Journal


def run_child(script: str, folder: Path) -> dict[str, int]:
    """What the script printed; in a process of its own, since its limits cannot be lifted again in all cases."""
    command = [sys.executable, "-W", "error", "-c", script, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "size=64k", "nr_inodes=50") as disk:
        yield disk


class FailingSync:
    """The disk's answer to a sync: EIO as often as asked. Remembers which file each sync was for."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.files: list[int] = []

    def __call__(self, descriptor: int) -> None:
        self.files.append(os.fstat(descriptor).st_ino)
        if len(self.files) <= self.failures:
            raise OSError(errno.EIO, "injected")


def test_clicks_wait_in_memory_while_the_disk_is_full_and_reach_it_afterwards(tiny_disk: Path) -> None:
    filler = tiny_disk / "filler"
    filler.write_bytes(bytes(40_000))
    with closing(quiet_journal(tiny_disk / "clicks")) as journal:
        acknowledged = [journal.write(numbered(number)) for number in range(200)]
        journal.sync()
        assert journal.pending == acknowledged.count(False) > 0
        filler.unlink()
        journal.sync()
        assert (journal.written, journal.pending, journal.dropped) == (200, 0, 0)
    assert sorted(recorded(tiny_disk / "clicks")) == list(range(200))
    assert torn_lines(tiny_disk / "clicks") == 1


def test_clicks_of_a_group_that_a_full_disk_takes_in_part_are_all_there_afterwards(tiny_disk: Path) -> None:
    filler = tiny_disk / "filler"
    filler.write_bytes(bytes(40_000))
    with closing(quiet_journal(tiny_disk / "clicks")) as journal:
        for start in range(0, 200, 20):
            journal.write_all([numbered(number) for number in range(start, start + 20)])
        assert journal.written + journal.pending == 200
        assert journal.pending > 0
        filler.unlink()
        journal.sync()
        assert (journal.written, journal.pending, journal.dropped) == (200, 0, 0)
    assert sorted(recorded(tiny_disk / "clicks")) == list(range(200))


def test_a_recovered_disk_is_noticed_without_new_traffic(tiny_disk: Path) -> None:
    filler = tiny_disk / "filler"
    filler.write_bytes(bytes(40_000))
    with closing(Journal(tiny_disk / "clicks")) as journal:
        for number in range(200):
            journal.write(numbered(number))
        assert journal.pending
        filler.unlink()
        eventually(lambda: journal.pending == 0)
        assert journal.written == 200


def test_a_full_disk_is_no_reason_not_to_start(tiny_disk: Path) -> None:
    filler = tiny_disk / "filler"
    filler.mkdir()
    assert fill_with_names(filler) == errno.ENOSPC
    with closing(quiet_journal(tiny_disk / "clicks")) as journal:
        assert not journal.write(b"{}")
        shutil.rmtree(filler)
        journal.sync()
        assert (journal.written, journal.pending) == (1, 0)


def fill_with_names(folder: Path) -> int | None:
    for number in range(1000):
        try:
            (folder / str(number)).touch()
        except OSError as error:
            return error.errno
    return None


# The line of 300 bytes that meets the limit is written in part, the next ones not at all.
LIMITED_FILE = """
import json, resource, sys
from pathlib import Path
from shortmcp.clicks.journal import Journal
limit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
payload = lambda number: json.dumps({"n": number}).encode().ljust(290)
journal = Journal(Path(sys.argv[1]), sync_interval=3600)
limit(LIMIT)
WRITE
report = {"written": journal.written, "pending": journal.pending}
limit(resource.RLIM_INFINITY)
LATER
journal.close()
print(json.dumps(report | {"dropped": journal.dropped}))
"""


ONE_BY_ONE = "for number in range(20):\n    journal.write(payload(number))"
ALL_AT_ONCE = "journal.write_all([payload(number) for number in range(20)])"


@pytest.mark.parametrize("write", [ONE_BY_ONE, ALL_AT_ONCE])
@pytest.mark.parametrize("later", ["journal.write(payload(20))", "journal.sync(); journal.write_all([payload(20)])"])
def test_a_short_write_spoils_no_other_line_and_its_click_is_written_again(
    tmp_path: Path, write: str, later: str
) -> None:
    script = LIMITED_FILE.replace("LIMIT)", "1000)").replace("WRITE", write).replace("LATER", later)
    report = run_child(script, tmp_path)
    assert report == {"written": 3, "pending": 17, "dropped": 0}
    assert sorted(recorded(tmp_path)) == list(range(21))
    assert torn_lines(tmp_path) == 1


@pytest.mark.parametrize("write", [ONE_BY_ONE, ALL_AT_ONCE])
@pytest.mark.parametrize("later", ["journal.write_all([payload(20)])", "journal.sync(); journal.write(payload(20))"])
def test_a_line_that_lacks_only_its_line_feed_is_not_written_twice(tmp_path: Path, write: str, later: str) -> None:
    script = LIMITED_FILE.replace("LIMIT)", "1199)").replace("WRITE", write).replace("LATER", later)
    report = run_child(script, tmp_path)
    assert report == {"written": 4, "pending": 16, "dropped": 0}
    assert sorted(recorded(tmp_path)) == list(range(21))
    assert torn_lines(tmp_path) == 0


def test_what_the_memory_cannot_hold_is_counted_as_dropped_exactly(tmp_path: Path) -> None:
    with closing(quiet_journal(tmp_path / "clicks")) as journal:
        replace_by_a_file(tmp_path / "clicks")
        journal.sync()
        answers = {journal.write(numbered(number, 10)) for number in range(RING_LINES + 5)}
        assert answers == {False}
        assert (journal.written, journal.pending, journal.dropped) == (0, RING_LINES, 5)
    assert (journal.pending, journal.dropped) == (0, RING_LINES + 5)


def replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def test_a_failed_sync_means_another_file_and_no_second_sync_of_the_first(tmp_path: Path) -> None:
    disk = FailingSync(failures=1)
    with closing(Journal(tmp_path, sync_interval=BY_HAND, fdatasync=disk)) as journal:
        first = journal_files(tmp_path)[0].stat().st_ino
        assert journal.write(numbered(1))
        journal.sync()
        assert journal.write(numbered(2))
        journal.sync()
    # Two files of one millisecond have no order of their own.
    [second] = {file.stat().st_ino for file in journal_files(tmp_path)} - {first}
    assert disk.files == [first, second]
    assert sorted(recorded(tmp_path)) == [1, 2]
    assert journal.sync_errors == 1


def test_a_disk_that_fails_every_sync_does_not_get_a_file_for_each(tmp_path: Path) -> None:
    disk = FailingSync(failures=1000)
    with closing(Journal(tmp_path, sync_interval=BY_HAND, fdatasync=disk)) as journal:
        for number in range(100):
            journal.write(numbered(number))
            journal.sync()
        assert journal.written + journal.pending == 100
    assert len(disk.files) == len(set(disk.files)) == journal.sync_errors < 10


def test_a_deleted_folder_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "clicks"
    with closing(quiet_journal(folder)) as journal:
        shutil.rmtree(folder)
        journal.sync()
        assert journal.write(numbered(1))
        assert journal.lost_files == 1
    assert recorded(folder) == [1]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_clicks_wait_in_memory_while_there_can_be_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "clicks"
    with closing(quiet_journal(folder)) as journal:
        replace_by_a_file(folder)
        journal.sync()
        assert [journal.write(numbered(1)), journal.pending] == [False, 1]
        folder.unlink()
        eventually(lambda: journal.sync() or journal.pending == 0)
        assert (journal.written, journal.dropped) == (1, 0)
    assert recorded(folder) == [1]


def test_a_folder_that_cannot_be_made_is_an_error_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "clicks").touch()
    with pytest.raises(NotADirectoryError):
        quiet_journal(tmp_path / "clicks")


def test_a_file_that_cannot_be_locked_is_an_error_at_the_start_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "injected")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(OSError, match="injected"):
        quiet_journal(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_after_a_failed_sync_clicks_wait_in_memory_if_there_can_be_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "clicks"

    def failing_disk(_: int) -> None:
        replace_by_a_file(folder)
        raise OSError(errno.EIO, "injected")

    with closing(Journal(folder, sync_interval=BY_HAND, fdatasync=failing_disk)) as journal:
        journal.write(numbered(1))
        journal.sync()
        assert [journal.write(numbered(2)), journal.pending] == [False, 1]
    assert (journal.written, journal.dropped, journal.sync_errors) == (1, 1, 1)


def test_a_file_that_is_due_is_gone_on_with_while_there_can_be_no_other(tmp_path: Path) -> None:
    folder, aside = tmp_path / "clicks", tmp_path / "aside"
    with closing(quiet_journal(folder, rotate_bytes=1)) as journal:
        folder.rename(aside)
        folder.touch()
        for number in (1, 2):
            assert journal.write(numbered(number))
            journal.sync()
    assert recorded(aside) == [1, 2]
