"""Running what queues hold: leased from the database, each in a thread of its own, until it has come to an end."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

log = structlog.get_logger("shortmcp.worker")
Transaction = Callable[[], AbstractContextManager[Connection]]
POLL_SECONDS = 0.3
LEASE_SECONDS = 60.0
# Three heartbeats a lease: one that comes late loses nothing.
HEARTBEAT_SECONDS = 20.0
# A clock that was set forward by less ends no lease that is kept up.
JUMP_SECONDS = 15.0
# Time for every process of the machine to notice, and to keep its leases up by the new clock.
SETTLE_SECONDS = 10.0


class Task(Protocol):
    """Something to do that a runner has leased; `attempt` tells this lease from earlier and later ones."""

    @property
    def id(self) -> int:
        """No other task of the queue has it."""
        ...

    @property
    def attempt(self) -> int:
        """Counts from 1."""
        ...


T = TypeVar("T", bound=Task)


@dataclass(frozen=True)
class Ended(Generic[T]):
    """A task whose handler is back, with what it returned or raised."""

    task: T
    result: Any = None
    error: BaseException | None = None


class Queue(Protocol[T]):
    """Where tasks come from and where it is written down what became of them, in transactions of the runner's."""

    @property
    def name(self) -> str:
        """What logs and threads call it."""
        ...

    def is_due(self, connection: Connection, now: datetime) -> bool:
        """Whether there is anything to claim."""
        ...

    def claim(self, connection: Connection, now: datetime, lease_end: datetime, limit: int) -> Sequence[T]:
        """Lease up to `limit` tasks."""
        ...

    def extend(self, connection: Connection, tasks: Sequence[T], lease_end: datetime) -> None:
        """Keep tasks that are still being run from being taken by others."""
        ...

    def run(self, task: T) -> Any:
        """Do it; called in a thread of its own, outside of any transaction."""
        ...

    def settle(self, connection: Connection, ended: Sequence[Ended[T]], now: datetime) -> None:
        """Write down what became of tasks."""
        ...


class Runner(Generic[T]):
    """Runs the tasks of a queue, at most `threads` at once; any number of runners work on one database.

    One thread does all the writing: it settles what has ended, extends leases and claims new tasks in one transaction.
    A task whose runner is gone is claimed by another when its lease ends, so a handler may see a task twice. When the
    clock is set forward all leases look as if they had ended: then leases are kept up first, and nothing is claimed
    for `settle_seconds`.
    """

    def __init__(
        self,
        read: Transaction,
        write: Transaction,
        queue: Queue[T],
        clock: Callable[[], datetime],
        threads: int,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._read, self._write = read, write
        self._queue = queue
        self._clock = clock
        self._threads = threads
        self._running: dict[int, T] = {}
        self._ended = deque[tuple[int, Any, BaseException | None]]()
        self._next_heartbeat = 0.0
        self._settle_seconds = settle_seconds
        self._drift: float | None = None
        self._no_claims_before = 0.0
        self._wake = Event()
        self._stopping = self._closed = self._failing = False
        self._thread = Thread(target=self._loop, name=queue.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float = 3.0) -> None:
        """End; waits up to `patience` seconds for tasks that are being run. What is not done then is run again."""
        self._stopping = True
        self._wake.set()
        self._thread.join(patience)
        self._closed = True

    def _loop(self) -> None:
        while not self._closed and not (self._stopping and not self._running):
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - the outermost loop: the next turn must come
                if not self._failing:
                    log.warning("queue waits", queue=self._queue.name, error=type(error).__name__, reason=_short(error))
                self._failing = True
                time.sleep(POLL_SECONDS)
            else:
                self._failing = False
                self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _turn(self) -> None:
        # The running task and not the one that was begun: its lease may have been claimed anew by ourselves.
        ended = [Ended(self._running[task_id], result, error) for task_id, result, error in list(self._ended)]
        now = self._clock()
        self._notice_jump(now)
        beats = self._running and time.monotonic() >= self._next_heartbeat
        is_claiming = not self._stopping and time.monotonic() >= self._no_claims_before
        free = self._threads - len(self._running) + len(ended) if is_claiming else 0
        if not (ended or beats or (free and self._is_due(now))):
            return
        lease_end = now + timedelta(seconds=LEASE_SECONDS)
        with self._write() as connection:
            if ended:
                self._queue.settle(connection, ended, now)
            gone = {end.task.id for end in ended}
            if beats:
                going_on = [task for task in self._running.values() if task.id not in gone]
                self._queue.extend(connection, going_on, lease_end)
            claimed: Sequence[T] = self._queue.claim(connection, now, lease_end, free) if free else ()
        # Only what is committed counts: otherwise the next turn writes it again.
        if beats or not self._running:
            self._next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        for end in ended:
            self._ended.popleft()
            del self._running[end.task.id]
        for task in claimed:
            self._begin(task)

    def _notice_jump(self, now: datetime) -> None:
        drift = now.timestamp() - time.monotonic()
        jump = 0.0 if self._drift is None else drift - self._drift
        self._drift = drift
        if abs(jump) > JUMP_SECONDS:
            self._next_heartbeat = 0.0
        if jump > JUMP_SECONDS:
            self._no_claims_before = time.monotonic() + self._settle_seconds

    def _is_due(self, now: datetime) -> bool:
        # Idle is the usual state: it costs a read, and no turn at SQLite's only writer.
        with self._read() as connection:
            return self._queue.is_due(connection, now)

    def _begin(self, task: T) -> None:
        known = task.id in self._running
        self._running[task.id] = task
        # The clock was set forward, and a lease of our own looked as if it had ended.
        if not known:
            Thread(target=self._run, args=(task,), name=f"{self._queue.name} {task.id}", daemon=True).start()

    def _run(self, task: T) -> None:
        result, error = None, None
        try:
            result = self._queue.run(task)
        except BaseException as caught:  # noqa: BLE001 - whatever a handler raises is a failed attempt
            error = caught
        self._ended.append((task.id, result, error))
        self._wake.set()


def _short(error: BaseException) -> str:
    return str(error)[:200]
