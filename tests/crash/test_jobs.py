"""Jobs over several processes: each is done once when nothing crashes, and again when its process was killed."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from journals import eventually
from shortmcp.adapters.database import Database
from shortmcp.core.jobs import Claimed, count_jobs, enqueue
from shortmcp.worker import Duty, JobRunner

RUNNER = Path(__file__).with_name("runner.py")
JOBS = 2000


def put(database: Database, number: int) -> list[int]:
    with database.write() as connection:
        made = [enqueue(connection, "note", {}, datetime.now(UTC)) for _ in range(number)]
    return [job_id or 0 for job_id in made]


def start(database_url: str, notes: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, RUNNER, database_url, notes, *arguments])


def test_two_processes_do_each_of_two_thousand_jobs_once(database: Database, database_url: str, tmp_path: Path) -> None:
    ids = put(database, JOBS)
    notes = [tmp_path / "one", tmp_path / "another"]
    processes = [start(database_url, path) for path in notes]
    assert [process.wait(120) for process in processes] == [0, 0]
    shares = [path.read_text().split() for path in notes]
    assert Counter(int(line) for share in shares for line in share) == Counter(ids)
    assert all(shares), "one of them did everything"


def test_a_job_whose_process_is_killed_is_run_again_when_its_lease_ends(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    [job_id] = put(database, 1)
    process = start(database_url, tmp_path / "notes", "hang")
    eventually(lambda: (tmp_path / "notes").exists() and (tmp_path / "notes").read_text() == f"{job_id}\n")
    process.kill()
    process.wait(10)
    seen: list[Claimed] = []
    now = datetime.now(UTC)
    clock = [now]
    heir = JobRunner(database.read, database.write, {"note": Duty(seen.append)}, lambda: clock[0], settle_seconds=0)
    heir.start()
    with database.read() as connection:
        assert count_jobs(connection, now)[0] == 1
    assert seen == []
    clock[0] = now + timedelta(seconds=61)
    eventually(lambda: [(job.id, job.attempt) for job in seen] == [(job_id, 2)])
    heir.stop(10)
    with database.read() as connection:
        assert count_jobs(connection, clock[0]) == (0, 0, 0.0)
