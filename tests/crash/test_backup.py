"""Copies that are made under load, and what becomes of the click journal when one is put back."""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import text

from conftest import postgres_url
from crash.harness import Instance, Load, kill, make_link, wait_until
from processes import SHORTMCP, Process
from shortmcp.adapters.database import Database
from shortmcp.clicks.backlog import journal_files, read_batch
from shortmcp.clicks.visits import decode_visit

VISITS = 150
# Each counts every click that is no bot's once: per table, or per value of one of its columns.
COUNTS = {
    "clicks": "SELECT count(*) FROM clicks WHERE NOT is_bot",
    "totals": "SELECT sum(total) FROM link_totals",
    "days": "SELECT sum(total) FROM link_days",
    "quarters": "SELECT sum(total) FROM link_quarters",
    **{
        f"dimension {number}": f"SELECT sum(total) FROM link_values WHERE dimension = {number}"  # noqa: S608
        for number in range(6)
    },
}


@dataclass
class Place:
    """Where an instance's data is: a database that may be emptied, and a folder."""

    instance: Instance
    admin: psycopg.Connection | None
    name: str = ""

    def run(self, *command: str) -> Any:
        """What a command prints as JSON, beside a running server or without one."""
        return json.loads(self.run_plainly(*command, "--json").stdout)

    def run_plainly(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command that must end well."""
        options = ["--data-dir", str(self.instance.folder / "data"), "--database-url", self.instance.database_url]
        done = subprocess.run([SHORTMCP, *command, *options], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done

    def leave_nothing_but_the_key(self) -> None:
        """As on a new machine: no database, no journal."""
        folder = self.instance.folder / "data"
        key = (folder / "secret.key").read_bytes()
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "secret.key").write_bytes(key)
        (folder / "secret.key").chmod(0o600)

    def put_back(self, copy: Path) -> int:
        """Restore `copy` as docs/backup.md says; the clicks in the journal whose links it does not know."""
        if self.admin is None:
            return self.run("restore", str(copy))["orphaned"]
        self.admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(self.name)))
        self.admin.execute(SQL("CREATE DATABASE {}").format(Identifier(self.name)))
        subprocess.run(
            ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={postgres_url(self.name)}", str(copy)],
            check=True,
            timeout=120,
        )
        return self.run("worker", "--once")["orphaned"]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Place]:
    """A place for a new instance on each kind of database."""
    if request.param == "sqlite":
        yield Place(Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/instance/data/shortmcp.db"), None)
        return
    if shutil.which("pg_dump") is None:
        assert not os.environ.get("CI"), "pg_dump is missing"
        pytest.skip("pg_dump is missing: COPIES OF POSTGRESQL ARE NOT TRIED")
    admin: psycopg.Connection = request.getfixturevalue("postgres_admin")
    name = f"shortmcp_test_{uuid4().hex}"
    admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield Place(Instance(tmp_path / "instance", postgres_url(name)), admin, name)
    admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@dataclass
class Writer:
    """Somebody who makes one link after the other."""

    made: list[str] = field(default_factory=list[str])

    @contextmanager
    def on(self, process: Process) -> Generator[None]:
        """Links until the block ends."""
        stop = Event()

        def write() -> None:
            while not stop.is_set():
                self.made.append(make_link(process))

        thread = Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive()


def test_a_copy_made_under_load_holds_all_that_was_answered_before_and_serves(place: Place, tmp_path: Path) -> None:
    copy, writer = tmp_path / "copy.backup", Writer()
    with place.instance.run() as process:
        load = Load(make_link(process))
        with load.on(process.url), writer.on(process):
            load.wait_for(VISITS)
            wait_until(lambda: len(writer.made) > 3)
            visits, links = set(load.acked), set(writer.made)
            made = place.run("backup", str(copy))
            load.wait_for(VISITS)
        assert (load.cut_off, len(load.refused)) == (0, 0)
    assert (made["bytes"], made["uncounted_bytes"]) == (copy.stat().st_size, 0)
    assert copy.stat().st_mode & 0o777 == 0o600
    place.leave_nothing_but_the_key()
    place.put_back(copy)

    clicks = place.instance.clicks()
    assert visits <= clicks.keys()
    assert set(clicks.values()) == {1}
    assert numbers(place.instance) == dict.fromkeys(COUNTS, clicks.total())
    with place.instance.run() as restored:
        known = replace(restored, output=process.output)
        assert httpx2.get(f"{known.url}/readyz", trust_env=False).status_code == 200
        assert links <= {link["short_code"] for link in get(known, "/links")}
        assert get(known, f"/links/{load.code}/analytics")["period_stats"]["total"] == clicks.total()
        assert [finding for finding in place.run("doctor") if finding["state"] == "error"] == []


def test_an_older_copy_beside_the_journal_of_today_loses_no_click_and_doubles_none(
    place: Place, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.backup"
    with place.instance.run() as process:
        load = Load(make_link(process))
        with load.on(process.url):
            load.wait_for(VISITS)
            visits = set(load.acked)
            place.run("backup", str(copy))
            # Of a link that the copy does not know.
            later = Load(make_link(process))
            with later.on(process.url):
                later.wait_for(10)
            load.wait_for(VISITS)
            kill(process)
    waiting = journalled(place.instance)
    # Otherwise the rest would prove nothing.
    assert waiting[1] - visits
    assert waiting[2]
    # What is of no link is thrown away now: a new link, which gets the same id, must not get it.
    assert place.put_back(copy) == len(waiting[2])
    assert place.instance.backlog() == 0
    recorded = place.instance.clicks()
    assert visits | waiting[1] <= recorded.keys() <= load.acked | waiting[1]
    assert set(recorded.values()) == {1}
    assert numbers(place.instance) == dict.fromkeys(COUNTS, recorded.total())


def journalled(instance: Instance) -> dict[int, set[str]]:
    """The visits in the journal's files by link."""
    found: dict[int, set[str]] = {}
    for path in journal_files(instance.folder / "data" / "clicks"):
        for payload in read_batch(path, 0, 1 << 30, final=True).payloads:
            visit = decode_visit(payload)
            found.setdefault(visit.link_id, set()).update(parse_qs(visit.query)["utm_content"])
    return found


def numbers(instance: Instance) -> dict[str, int]:
    database = Database(instance.database_url)
    with database.read() as connection:
        found = {name: connection.execute(text(query)).scalar() or 0 for name, query in COUNTS.items()}
    database.close()
    return found


def get(process: Process, path: str) -> Any:
    token = process.output.read_text().split("\n\n  ")[1].split()[0]
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"{process.url}/api/v1{path}", headers=headers, timeout=30, trust_env=False)
    return answer.raise_for_status().json()["data"]
