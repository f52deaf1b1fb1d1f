"""Background work: chores that come again and again, jobs that are done once."""

from shortmcp.worker.chores import Chore, Worker
from shortmcp.worker.runner import Duty, JobRunner

__all__ = ["Chore", "Duty", "JobRunner", "Worker"]
