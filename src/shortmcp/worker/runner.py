"""Running jobs: leased from the database, each in a thread of its own, again until they are done or given up."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random, SystemRandom
from threading import Event, Thread

import structlog
from sqlalchemy import Connection

from shortmcp.core import jobs
from shortmcp.core.jobs import Claimed, Failure, GiveUp, Postpone

log = structlog.get_logger("shortmcp.jobs")
Transaction = Callable[[], AbstractContextManager[Connection]]
THREADS = 8
POLL_SECONDS = 0.3
LEASE_SECONDS = 60.0
# Three heartbeats a lease: one that comes late loses nothing.
HEARTBEAT_SECONDS = 20.0
# After the first failure wait 10 seconds, and so on; a job that fails for about eight hours is dead.
DELAYS = (10.0, 40.0, 160.0, 640.0, 2560.0, 10240.0, 14400.0)
# Jobs that failed together shall not come back together; later than the schedule says, never earlier.
JITTER = 0.2


@dataclass(frozen=True)
class Duty:
    """How jobs of one kind are done: `run` returns when the job is done and raises where it is not.

    `delays` are the seconds to wait after each failed attempt; the job is dead after one attempt more than there are.
    """

    run: Callable[[Claimed], object]
    delays: Sequence[float] = DELAYS


@dataclass(frozen=True)
class Ended:
    """A job whose handler is back, with what it raised."""

    job_id: int
    error: BaseException | None


class JobRunner:
    """Runs jobs of the kinds in `duties`, at most `threads` at once; any number of runners work on one database.

    One thread does all the writing: it records how jobs ended, extends leases and claims new jobs in one transaction.
    A job whose runner is gone is claimed by another when its lease ends, so a handler may see a job twice.
    """

    def __init__(
        self,
        read: Transaction,
        write: Transaction,
        duties: Mapping[str, Duty],
        clock: Callable[[], datetime],
        random: Random | None = None,
        threads: int = THREADS,
    ) -> None:
        self._read, self._write = read, write
        self._duties = duties
        self._clock = clock
        self._random = random or SystemRandom()
        self._threads = threads
        self._running: dict[int, Claimed] = {}
        self._ended = deque[Ended]()
        self._next_heartbeat = 0.0
        self._wake = Event()
        self._stopping = self._closed = self._failing = False
        self._thread = Thread(target=self._loop, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float = 3.0) -> None:
        """End; waits up to `patience` seconds for jobs that are being run. What is not done then is run again."""
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
                    log.warning("jobs wait", error=type(error).__name__, reason=str(error)[:200])
                self._failing = True
                time.sleep(POLL_SECONDS)
            else:
                self._failing = False
                self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _turn(self) -> None:
        ended = list(self._ended)
        now, beats = self._clock(), self._running and time.monotonic() >= self._next_heartbeat
        free = 0 if self._stopping else self._threads - len(self._running) + len(ended)
        if not (ended or beats or (free and self._is_due(now))):
            return
        lease_end = now + timedelta(seconds=LEASE_SECONDS)
        with self._write() as connection:
            self._settle(connection, ended, now)
            gone = {end.job_id for end in ended}
            if beats:
                jobs.extend_leases(connection, [job for job in self._running.values() if job.id not in gone], lease_end)
            claimed = jobs.claim(connection, self._duties, now, lease_end, free) if free else []
        # Only what is committed counts: otherwise the next turn writes it again.
        if beats or not self._running:
            self._next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        for end in ended:
            self._ended.popleft()
            del self._running[end.job_id]
        for job in claimed:
            self._begin(job)

    def _is_due(self, now: datetime) -> bool:
        # Idle is the usual state: it costs a read, and no turn at SQLite's only writer.
        with self._read() as connection:
            return jobs.is_due(connection, self._duties, now)

    def _begin(self, job: Claimed) -> None:
        known = job.id in self._running
        self._running[job.id] = job
        # The clock was set forward, and a lease of our own looked as if it had ended.
        if not known:
            Thread(target=self._run, args=(job,), name=f"job {job.kind}", daemon=True).start()

    def _run(self, job: Claimed) -> None:
        error: BaseException | None = None
        try:
            # One that was begun too often ended its process every time.
            if job.attempt > len(self._duties[job.kind].delays) + 1:
                raise GiveUp("Its process ended while it ran.")  # noqa: TRY301 - judged like what a handler raises
            self._duties[job.kind].run(job)
        except BaseException as caught:  # noqa: BLE001 - whatever a handler raises is a failed attempt
            error = caught
        self._ended.append(Ended(job.id, error))
        self._wake.set()

    def _settle(self, connection: Connection, ended: Sequence[Ended], now: datetime) -> None:
        jobs.finish(connection, [self._running[end.job_id] for end in ended if end.error is None])
        for end in ended:
            if end.error is not None:
                self._settle_failed(connection, self._running[end.job_id], end.error, now)

    def _settle_failed(self, connection: Connection, job: Claimed, error: BaseException, now: datetime) -> None:
        if isinstance(error, Postpone):
            jobs.put_back(connection, job, now + timedelta(seconds=error.seconds), None)
            return
        expected = isinstance(error, Failure)
        # A foreign exception's text may hold anything: its name alone is kept.
        reason = str(error) if expected else type(error).__name__
        delays = self._duties[job.kind].delays
        level = log.info if expected else log.error
        level(
            "job failed",
            job=job.id,
            kind=job.kind,
            attempt=job.attempt,
            reason=reason,
            exc_info=None if expected else error,
        )
        if isinstance(error, GiveUp) or job.attempt > len(delays):
            jobs.bury(connection, job, reason)
            return
        delay = delays[job.attempt - 1] * (1 + JITTER * self._random.random())
        jobs.put_back(connection, job, now + timedelta(seconds=delay), reason)
