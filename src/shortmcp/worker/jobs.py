"""Running jobs: again until they are done or given up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom

import structlog
from sqlalchemy import Connection

from shortmcp.core import jobs
from shortmcp.core.jobs import Claimed, Failure, GiveUp, Postpone
from shortmcp.worker.runner import SETTLE_SECONDS, Ended, Runner, Transaction

log = structlog.get_logger("shortmcp.jobs")
THREADS = 8
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
class JobQueue:
    """The jobs of the kinds in `duties`."""

    duties: Mapping[str, Duty]
    random: Random = field(default_factory=SystemRandom)
    name: str = "jobs"

    def is_due(self, connection: Connection, now: datetime) -> bool:
        """Whether there is a job to claim."""
        return jobs.is_due(connection, self.duties, now)

    def claim(self, connection: Connection, now: datetime, lease_end: datetime, limit: int) -> Sequence[Claimed]:
        """Lease jobs."""
        return jobs.claim(connection, self.duties, now, lease_end, limit)

    def extend(self, connection: Connection, tasks: Sequence[Claimed], lease_end: datetime) -> None:
        """Extend their leases."""
        jobs.extend_leases(connection, tasks, lease_end)

    def run(self, task: Claimed) -> None:
        """Do one job."""
        # One that was begun too often ended its process every time.
        if task.attempt > len(self.duties[task.kind].delays) + 1:
            raise GiveUp("Its process ended while it ran.")
        self.duties[task.kind].run(task)

    def settle(self, connection: Connection, ended: Sequence[Ended[Claimed]], now: datetime) -> None:
        """Forget the jobs that are done; put the others back or bury them."""
        jobs.finish(connection, [end.task for end in ended if end.error is None])
        for end in ended:
            if end.error is not None:
                self._settle_failed(connection, end.task, end.error, now)

    def _settle_failed(self, connection: Connection, job: Claimed, error: BaseException, now: datetime) -> None:
        if isinstance(error, Postpone):
            jobs.put_back(connection, job, now + timedelta(seconds=error.seconds), None)
            return
        expected = isinstance(error, Failure)
        # A foreign exception's text may hold anything: its name alone is kept.
        reason = str(error) if expected else type(error).__name__
        delays = self.duties[job.kind].delays
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
        delay = delays[job.attempt - 1] * (1 + JITTER * self.random.random())
        jobs.put_back(connection, job, now + timedelta(seconds=delay), reason)


class JobRunner(Runner[Claimed]):
    """Runs jobs of the kinds in `duties`, at most `threads` at once."""

    def __init__(
        self,
        read: Transaction,
        write: Transaction,
        duties: Mapping[str, Duty],
        clock: Callable[[], datetime],
        threads: int = THREADS,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        super().__init__(read, write, JobQueue(duties), clock, threads, settle_seconds=settle_seconds)
