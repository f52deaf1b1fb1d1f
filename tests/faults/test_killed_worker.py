"""kill -9 of one worker process of several: the others serve, another takes its place, its clicks are counted."""

import os
import signal
from pathlib import Path

from crash.harness import Instance, Load, ask, judge, make_link, wait_until
from processes import Process

VISITS = 400


def worker_processes(process: Process) -> set[int]:
    """The ids of the processes that serve."""
    main = process.popen.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


def test_one_killed_worker_after_the_other_loses_no_click_and_doubles_none(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db", workers=2)
    with instance.run() as process:
        load = Load(make_link(process))
        wait_until(lambda: len(worker_processes(process)) == 2)
        # One of them is the one that counts the clicks.
        for victim in worker_processes(process):
            with load.on(process.url):
                load.wait_for(VISITS)
                os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(worker_processes(process) - {victim}) == 2)  # noqa: B023
        with load.on(process.url):
            load.wait_for(VISITS)
        assert ask(process, "GET", "/links").status_code == 200
        wait_until(lambda: load.acked <= instance.clicks().keys())
        result = judge(load, instance.clicks())
    assert (result.lost, result.doubled) == (0, 0), result
    assert 0 <= result.unanswered_recorded <= result.in_flight, result
