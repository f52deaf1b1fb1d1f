"""The reader: complete lines, damaged lines apart, and no file finished while its writer lives."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortmcp.clicks.backlog import Batch, backlog_bytes, is_abandoned, journal_files, read_batch, sort_lines
from shortmcp.clicks.journal import MAX_LINE, MAX_PAYLOAD, Journal, frame


def file_with(folder: Path, content: bytes) -> Path:
    path = folder / "0.log"
    path.write_bytes(content)
    return path


def read_all(path: Path, limit: int) -> Batch:
    payloads: list[bytes] = []
    bad: list[bytes] = []
    offset = 0
    while offset < path.stat().st_size:
        batch = read_batch(path, offset, limit, final=True)
        assert batch.next_offset > offset
        payloads, bad, offset = payloads + batch.payloads, bad + batch.bad, batch.next_offset
    return Batch(payloads, bad, offset)


def test_batches_end_at_a_line_and_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    payloads = [b"%d" % number * 200 for number in range(50)]
    path = file_with(tmp_path, b"".join(map(frame, payloads)))
    first = read_batch(path, 0, MAX_LINE)
    assert 0 < len(first.payloads) < 50
    second = read_batch(path, first.next_offset)
    assert second == Batch(payloads[len(first.payloads) :], [], path.stat().st_size)


def test_a_line_without_line_feed_waits_for_its_end(tmp_path: Path) -> None:
    path = file_with(tmp_path, frame(b"one") + frame(b"two")[:-4])
    assert read_batch(path, 0) == Batch([b"one"], [], len(frame(b"one")))
    assert read_batch(path, len(frame(b"one"))) == Batch([], [], len(frame(b"one")))


def test_a_torn_end_of_an_abandoned_file_is_bad_and_the_file_can_be_finished(tmp_path: Path) -> None:
    torn = frame(b"two")[:-2]
    path = file_with(tmp_path, frame(b"one") + torn)
    assert read_batch(path, 0, final=True) == Batch([b"one"], [torn], path.stat().st_size)


def test_an_end_that_lacks_only_its_line_feed_is_a_click(tmp_path: Path) -> None:
    path = file_with(tmp_path, frame(b"one")[:-1])
    assert read_batch(path, 0, final=True) == Batch([b"one"], [], path.stat().st_size)


def test_a_torn_line_spoils_neither_neighbour(tmp_path: Path) -> None:
    torn = frame(b"two")[:-2]
    path = file_with(tmp_path, frame(b"one") + torn + b"\n" + frame(b"three"))
    assert read_batch(path, 0) == Batch([b"one", b"three"], [torn], path.stat().st_size)


def test_empty_lines_are_nothing(tmp_path: Path) -> None:
    path = file_with(tmp_path, b"\n\n" + frame(b"one") + b"\n")
    assert read_batch(path, 0) == Batch([b"one"], [], path.stat().st_size)


@pytest.mark.parametrize("line", [b"x", b"cbf43926", b"cbf43926123456789", b"CBF43926 123456789", b"00000000 1", b"\0"])
def test_what_does_not_begin_with_its_own_checksum_is_bad(line: bytes) -> None:
    assert sort_lines(line + b"\n", 0) == Batch([], [line], 0)


def test_a_run_that_is_longer_than_the_limit_does_not_stop_the_reader(tmp_path: Path) -> None:
    path = file_with(tmp_path, bytes(3 * MAX_LINE + 100) + b"\n" + frame(b"one"))
    batch = read_all(path, MAX_LINE)
    assert batch.payloads == [b"one"]
    assert b"".join(batch.bad) == bytes(3 * MAX_LINE + 100)


def test_the_longest_line_is_read_however_small_the_limit(tmp_path: Path) -> None:
    path = file_with(tmp_path, b"\n" + frame(b"x" * MAX_PAYLOAD))
    assert read_all(path, limit=1).payloads == [b"x" * MAX_PAYLOAD]


@given(st.lists(st.tuples(st.binary(max_size=MAX_PAYLOAD), st.booleans()), max_size=40), st.integers(1, 9000))
def test_every_whole_line_is_read_once_wherever_the_batches_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[bytes, bool]], limit: int
) -> None:
    payloads = [(payload.replace(b"\n", b""), torn) for payload, torn in lines]
    content = b"".join(frame(payload)[:-2] + b"\n" if torn else frame(payload) for payload, torn in payloads)
    path = file_with(tmp_path_factory.mktemp("backlog"), content)
    batch = read_all(path, limit)
    assert batch.payloads == [payload for payload, torn in payloads if not torn]
    assert len(batch.bad) == sum(torn for _, torn in payloads)


def test_files_come_oldest_first_and_other_names_are_left_alone(tmp_path: Path) -> None:
    assert journal_files(tmp_path / "none") == []
    for name in ("2.log", "1.log", "0.new"):
        (tmp_path / name).touch()
    assert journal_files(tmp_path) == [tmp_path / "1.log", tmp_path / "2.log"]


def test_the_backlog_is_what_lies_behind_the_offsets(tmp_path: Path) -> None:
    for name in ("1.log", "2.log"):
        (tmp_path / name).write_bytes(bytes(100))
    (tmp_path / "3.log").symlink_to("deleted meanwhile")
    assert backlog_bytes(tmp_path, {"1.log": 70, "2.log": 100, "gone.log": 5}) == 30
    assert backlog_bytes(tmp_path, {}) == 200


LIVE_UNTIL_KILLED = """
import sys
from pathlib import Path
from shortmcp.clicks.journal import Journal
journal = Journal(Path(sys.argv[1]))
print(journal.write(b"one"), flush=True)
sys.stdin.read()
"""


def test_a_file_is_abandoned_when_its_writer_is_dead_and_not_before(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIVE_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"True\n"
        (path,) = journal_files(tmp_path)
        assert not is_abandoned(path)
        child.send_signal(signal.SIGKILL)
    assert is_abandoned(path)
    assert read_batch(path, 0, final=True).payloads == [b"one"]


def test_a_file_is_abandoned_when_its_writer_has_gone_on_to_another(tmp_path: Path) -> None:
    with closing(Journal(tmp_path, sync_interval=3600, rotate_bytes=1)) as journal:
        journal.write(b"one")
        assert [is_abandoned(path) for path in journal_files(tmp_path)] == [False]
        journal.sync()
        assert [is_abandoned(path) for path in journal_files(tmp_path)] == [True, False]


def test_a_child_that_inherited_the_file_does_not_keep_it_from_being_abandoned(tmp_path: Path) -> None:
    journal = Journal(tmp_path, sync_interval=3600)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[journal._descriptor]) as child:
        journal.close()
        assert child.poll() is None
        assert is_abandoned(journal_files(tmp_path)[0])
