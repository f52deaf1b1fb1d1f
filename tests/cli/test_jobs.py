import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from processes import SHORTMCP
from shortmcp.adapters.database import Database
from shortmcp.core.jobs import bury, claim, enqueue

NOW = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)


@pytest.fixture
def dead(database: Database) -> list[int]:
    """Two dead jobs, with one beside them that waits."""
    with database.write() as connection:
        ids = [enqueue(connection, "mail", {"to": "ann@example.com"}, NOW, workspace_id=3) for _ in range(2)]
        for job in claim(connection, ["mail"], NOW, NOW, 2):
            bury(connection, job, "The mail server said 550.")
        enqueue(connection, "check", {}, NOW.replace(year=2999))
    return [job_id or 0 for job_id in ids]


def run(database: Database, data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = database.url.render_as_string(hide_password=False)
    command = [SHORTMCP, "jobs", *arguments, "--data-dir", str(data_dir), "--database-url", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_dead_jobs_can_be_seen_and_show_nothing_of_what_they_carry(
    database: Database, dead: list[int], tmp_path: Path
) -> None:
    listed = run(database, tmp_path, "list", "--state", "dead", "--json")
    assert [job["id"] for job in json.loads(listed.stdout)] == dead
    assert json.loads(listed.stdout)[0] == {
        "id": dead[0],
        "kind": "mail",
        "state": "dead",
        "attempts": 1,
        "workspace_id": 3,
        "due_at": "2026-06-07T14:30:00+00:00",
        "run_at": "2026-06-07T14:30:00+00:00",
        "last_error": "The mail server said 550.",
    }
    for_people = run(database, tmp_path, "list").stdout
    assert [line.split()[2] for line in for_people.splitlines()] == ["queued", "dead", "dead"]
    assert "ann@example.com" not in for_people + listed.stdout


def test_one_dead_job_or_all_of_them_are_queued_anew(database: Database, dead: list[int], tmp_path: Path) -> None:
    assert run(database, tmp_path, "retry", str(dead[0])).stdout == "Queued anew: 1.\n"
    again = run(database, tmp_path, "retry", str(dead[0]))
    assert (again.returncode, again.stderr) == (
        1,
        "Error: There is no dead job with that id; `shortmcp jobs list --state dead` shows them all.\n",
    )
    assert json.loads(run(database, tmp_path, "retry", "--all", "--json").stdout) == {"retried": 1}
    queued = json.loads(run(database, tmp_path, "list", "--state", "queued", "--json").stdout)
    assert {(job["id"], job["attempts"]) for job in queued} >= {(job_id, 0) for job_id in dead}


def test_retry_wants_one_or_all(database: Database, tmp_path: Path) -> None:
    for arguments in ((), ("5", "--all")):
        refused = run(database, tmp_path, "retry", *arguments)
        assert refused.returncode == 2
        assert "Name one dead job by its ID, or all of them with --all." in refused.stderr
