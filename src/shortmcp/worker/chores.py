"""What is done again and again: ingesting clicks, writing call counts, throwing away what has had its time."""

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Event, Thread

import structlog

log = structlog.get_logger("shortmcp.worker")
CANDIDATE_SECONDS = 0.2
SOON_SECONDS = 5.0


class Turn(Enum):
    """What a chore may say at the end of a turn."""

    MORE = "more"


@dataclass(frozen=True)
class Chore:
    """Something to do again and again: `run` every `interval` seconds, after `pause` where it returns `Turn.MORE`."""

    name: str
    interval: float
    run: Callable[[], object]
    pause: float = 0.0


class Worker:
    """Runs chores, each in a thread of its own.

    A chore that fails is logged and tried again at its next turn: nothing that it had begun was committed. With
    `leader_file`, only the one worker of the machine that holds its lock does anything.
    """

    def __init__(self, chores: list[Chore], leader_file: Path | None = None) -> None:
        self._stop = Event()
        self._leader_file = leader_file
        self._leading = Event()
        self._threads = [Thread(target=self._loop, args=(chore,), name=chore.name, daemon=True) for chore in chores]
        if leader_file is not None:
            self._threads.append(Thread(target=self._lead, name="leader", daemon=True))
        else:
            self._leading.set()

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float = 3.0) -> None:
        """End; waits up to `patience` seconds for what is being done."""
        self._stop.set()
        self._leading.set()
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _loop(self, chore: Chore) -> None:
        self._leading.wait()
        failing = False
        # The first turn comes soon: a server that is often started anew has to get round to everything, too.
        pause = min(chore.interval, SOON_SECONDS)
        while not self._stop.wait(pause):
            pause = chore.interval
            try:
                pause = chore.pause if chore.run() is Turn.MORE else chore.interval
            except Exception as error:  # noqa: BLE001 - the outermost loop: the next turn must come
                if not failing:
                    log.warning("chore fails", chore=chore.name, error=type(error).__name__, reason=str(error)[:200])
                failing = True
            else:
                if failing:
                    log.info("chore works again", chore=chore.name)
                failing = False

    def _lead(self) -> None:
        assert self._leader_file is not None  # noqa: S101 - started only with one
        while (descriptor := _lock(self._leader_file)) is None:
            if self._stop.wait(CANDIDATE_SECONDS):
                return
        try:
            self._leading.set()
            self._stop.wait()
            for thread in self._threads[:-1]:
                thread.join()
        finally:
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock of `path`; None where another process holds it, or the disk takes no file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
