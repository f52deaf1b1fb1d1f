"""A disk that fails syncs, and folders that take no files any more, under running servers."""

import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from crash.harness import Instance, Load, ask, kill, make_link, metric, wait_until
from factories import TLS
from processes import SHORTMCP, Process

LINK = {"original_url": "https://example.com/x", "title": "X"}
VISITS = 300
MISPLACED = (
    "The database's file was deleted or replaced while the server runs; nothing was changed: its operator has to put "
    "it back, or to start the server anew. Redirects go on."
)


@contextmanager
def failing_syncs(process: Process, path: Path, log: Path) -> Generator[None]:
    """From now on, as often as it is synced, a file that is open in the server fails with EIO."""
    if shutil.which("strace") is None:
        pytest.skip("failing syncs were NOT tested: strace is missing (apt-get install strace)")
    command = ["strace", "--follow-forks", "--attach", str(process.popen.pid), "--trace-path", str(path)]
    command += ["--decode-fds=path", "--trace=fdatasync", "--inject=fdatasync:error=EIO", "--output", str(log)]
    said = log.with_suffix(".said")
    with said.open("wb") as errors:
        tracer = subprocess.Popen(command, stderr=errors)
    try:
        wait_until(lambda: "attached" in said.read_text() or tracer.poll() is not None)
        if tracer.poll() is not None:
            pytest.skip(f"failing syncs were NOT tested: nothing can be traced here ({said.read_text()})")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)


def test_a_journal_whose_sync_fails_goes_on_in_another_file_and_every_click_is_counted_once(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db")
    folder, log = instance.folder / "data" / "clicks", tmp_path / "syscalls"
    with instance.run() as process:
        load = Load(make_link(process))
        [failing] = folder.glob("*.log")
        with load.on(process.url):
            load.wait_for(VISITS)
            with failing_syncs(process, failing, log):
                wait_until(lambda: metric(process, "shortmcp_journal_sync_errors_total") > 0)
                load.wait_for(VISITS)
            load.wait_for(VISITS)
        assert (load.cut_off, len(load.refused)) == (0, 0)
        wait_until(lambda: load.acked <= instance.clicks().keys())
        assert instance.clicks().total() == len(load.acked)
        # The file was given up at the first error: nobody tried again what the kernel may call a success.
        assert log.read_text().count("EIO") == metric(process, "shortmcp_journal_sync_errors_total") == 1
        assert metric(process, "shortmcp_clicks_dropped_total") == 0
        wait_until(lambda: not failing.exists())
        kill(process)


# Root may write everywhere, unless it gives that right up.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", str(SHORTMCP)]


def test_clicks_wait_while_the_journal_fails_and_its_folder_takes_no_other_file(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db", command=WITHOUT_RIGHTS)
    folder = instance.folder / "data" / "clicks"
    with instance.run() as process:
        load = Load(make_link(process))
        [failing] = folder.glob("*.log")
        with load.on(process.url):
            load.wait_for(VISITS)
            with closed(folder), failing_syncs(process, failing, tmp_path / "syscalls"):
                wait_until(lambda: metric(process, "shortmcp_clicks_waiting") > 0)
                assert ask(process, "POST", "/links", LINK).status_code == 201
            wait_until(lambda: metric(process, "shortmcp_clicks_waiting") == 0)
        assert (load.cut_off, len(load.refused)) == (0, 0)
        # On a slow machine more may have come than there is memory for.
        dropped = metric(process, "shortmcp_clicks_dropped_total")
        wait_until(lambda: instance.clicks().total() == len(load.acked) - dropped)
        assert set(instance.clicks().values()) == {1}


def test_a_data_folder_that_is_away_is_told_of_and_used_again_when_it_is_back(tmp_path: Path) -> None:
    data, aside = tmp_path / "instance" / "data", tmp_path / "aside"
    instance = Instance(tmp_path / "instance", f"sqlite:///{data}/shortmcp.db")
    with instance.run() as process:
        load = Load(make_link(process))
        with load.on(process.url):
            load.wait_for(VISITS)
            data.rename(aside)
            load.wait_for(VISITS)
            refused = ask(process, "POST", "/links", LINK)
            assert (refused.status_code, refused.json()["message"]) == (503, MISPLACED)
            ready = httpx2.get(f"{process.url}/readyz", timeout=30, trust_env=False, verify=TLS)
            assert (ready.status_code, ready.json()["faults"]) == (503, {"database": MISPLACED})
            load.wait_for(VISITS)
            aside.rename(data)
            load.wait_for(VISITS)
        assert (load.cut_off, len(load.refused)) == (0, 0)
        assert ask(process, "POST", "/links", LINK).status_code == 201
        wait_until(lambda: load.acked <= instance.clicks().keys())
        assert instance.clicks().total() == len(load.acked)


@contextmanager
def closed(folder: Path) -> Generator[None]:
    """Nothing can be made or deleted in the folder."""
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)
