"""A process that makes and sends reports: `reporter.py`, with the settings in the environment.

It ends when no job is left.
"""

import time
from datetime import UTC, datetime

from shortmcp.app.background import make_job_runner
from shortmcp.app.node import make_node
from shortmcp.core.jobs import count_jobs
from shortmcp.settings import Settings

node = make_node(Settings())
running = make_job_runner(node)
running.start()
waiting = 1
while waiting:
    time.sleep(0.05)
    with node.database.read() as connection:
        waiting, _, _ = count_jobs(connection, datetime.now(UTC))
running.stop()
