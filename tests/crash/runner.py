"""A process that runs jobs: `runner.py DATABASE_URL FILE [hang]` notes each job's id in FILE, one line each.

It ends when no job is left. With `hang` it notes the first one and never comes back from it.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from shortmcp.adapters.database import Database
from shortmcp.core.jobs import Claimed, count_jobs
from shortmcp.worker import Duty, JobRunner

HANGS = len(sys.argv) > 3
database = Database(sys.argv[1])
notes = os.open(Path(sys.argv[2]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def run(job: Claimed) -> None:
    os.write(notes, b"%d\n" % job.id)
    while HANGS:
        time.sleep(60)


running = JobRunner(database.read, database.write, {"note": Duty(run)}, lambda: datetime.now(UTC))
running.start()
waiting = 1
while waiting:
    time.sleep(0.05)
    with database.read() as connection:
        waiting, _, _ = count_jobs(connection, datetime.now(UTC))
running.stop()
