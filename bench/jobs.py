"""Jobs over several processes: how many a second, and whether each is done exactly once when nothing crashes.

Ends with status 1 where a job was done twice or never.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import migrate
from shortmcp.core.jobs import enqueue

RUNNER = Path(__file__).parent.parent / "tests" / "crash" / "runner.py"


def main() -> int:
    """Enqueue the jobs, run them, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--database-url", default="", help="An empty PostgreSQL database; SQLite if left out.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        url = options.database_url or f"sqlite:///{name}/shortmcp.db"
        ids = fill(url, options.jobs)
        files = [Path(name) / str(number) for number in range(options.processes)]
        began = time.monotonic()
        processes = [subprocess.Popen([sys.executable, RUNNER, url, path]) for path in files]
        ended = [process.wait() for process in processes]
        seconds = time.monotonic() - began
        done = Counter(int(line) for path in files for line in path.read_text().split())
    doubled, never = sum(times - 1 for times in done.values()), len(set(ids) - done.keys())
    print(
        f"{len(ids):,} jobs, {options.processes} processes: {seconds:.1f} s with starting, "
        f"{len(ids) / seconds:,.0f} a second; {doubled} doubled, {never} never done."
    )
    return int(any(ended) or doubled + never > 0)


def fill(url: str, number: int) -> list[int]:
    """A migrated database with so many jobs; their ids."""
    database = Database(url)
    migrate(database)
    with database.write() as connection:
        ids = [enqueue(connection, "note", {}, datetime.now(UTC)) or 0 for _ in range(number)]
    database.close()
    return ids


if __name__ == "__main__":
    raise SystemExit(main())
