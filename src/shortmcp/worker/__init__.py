"""Background work: chores that come again and again, jobs that are done once, deliveries to webhooks."""

from shortmcp.worker.chores import Chore, Turn, Worker
from shortmcp.worker.deliveries import DeliveryRunner
from shortmcp.worker.jobs import Duty, JobRunner
from shortmcp.worker.runner import Runner

__all__ = ["Chore", "DeliveryRunner", "Duty", "JobRunner", "Runner", "Turn", "Worker"]
