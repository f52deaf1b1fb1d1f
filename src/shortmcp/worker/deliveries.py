"""Running deliveries to webhooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random, SystemRandom

import structlog
from sqlalchemy import Connection

from shortmcp.core.webhooks import queue
from shortmcp.core.webhooks.delivering import Attempt
from shortmcp.core.webhooks.outcomes import Tried, settle
from shortmcp.core.webhooks.queue import ClaimedDelivery
from shortmcp.worker.runner import SETTLE_SECONDS, Ended, Runner, Transaction

log = structlog.get_logger("shortmcp.webhooks")
# They wait for others most of the time. Half of them are never given to endpoints that fail.
THREADS = 32


@dataclass(frozen=True)
class DeliveryQueue:
    """The deliveries that are due; `deliver` makes an attempt."""

    deliver: Callable[[ClaimedDelivery], Attempt]
    threads: int = THREADS
    random: Random = field(default_factory=SystemRandom)
    name: str = "webhooks"

    def is_due(self, connection: Connection, now: datetime) -> bool:
        """Whether there is a delivery to claim."""
        return queue.is_due(connection, now)

    def claim(
        self, connection: Connection, now: datetime, lease_end: datetime, limit: int
    ) -> Sequence[ClaimedDelivery]:
        """Lease deliveries."""
        return queue.claim(connection, now, lease_end, limit, self.threads)

    def extend(self, connection: Connection, tasks: Sequence[ClaimedDelivery], lease_end: datetime) -> None:
        """Extend their leases."""
        queue.extend_leases(connection, tasks, lease_end)

    def run(self, task: ClaimedDelivery) -> Attempt:
        """Make an attempt."""
        return self.deliver(task)

    def settle(self, connection: Connection, ended: Sequence[Ended[ClaimedDelivery]], now: datetime) -> None:
        """Write down what came of attempts."""
        settle(connection, [Tried(end.task, self._attempt(end)) for end in ended], now, self.random)

    def _attempt(self, end: Ended[ClaimedDelivery]) -> Attempt:
        if isinstance(end.result, Attempt):
            return end.result
        # Something of ours is broken; what the exception says may hold anything.
        log.error("delivery failed", delivery=end.task.id, attempt=end.task.attempt, exc_info=end.error)
        return Attempt(error="It could not be sent; this is not the endpoint's fault.")


class DeliveryRunner(Runner[ClaimedDelivery]):
    """Makes deliveries, at most `threads` at once."""

    def __init__(
        self,
        read: Transaction,
        write: Transaction,
        deliver: Callable[[ClaimedDelivery], Attempt],
        clock: Callable[[], datetime],
        threads: int = THREADS,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        super().__init__(read, write, DeliveryQueue(deliver, threads), clock, threads, settle_seconds=settle_seconds)
