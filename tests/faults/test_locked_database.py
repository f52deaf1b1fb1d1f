"""Somebody else holds SQLite's file: visitors do not notice, clicks wait in the journal, writers are told in time."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2

from crash.harness import Instance, Load, ask, make_link, metric, wait_until
from factories import CHROME, TLS

LINK = {"original_url": "https://example.com/x", "title": "X"}
VISITS = 300


def test_redirects_go_on_and_clicks_wait_while_another_program_locks_the_database(tmp_path: Path) -> None:
    path = tmp_path / "shortmcp.db"
    instance = Instance(tmp_path / "instance", f"sqlite:///{path}")
    with instance.run() as process, closing(sqlite3.connect(path, isolation_level=None)) as other:
        load, unvisited = Load(make_link(process), rest=0.01), make_link(process)
        other.execute("BEGIN EXCLUSIVE")
        with load.on(process.url):
            load.wait_for(VISITS)
            refused = ask(process, "POST", "/links", LINK)
            load.wait_for(VISITS)
        assert (load.cut_off, len(load.refused)) == (0, 0)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json()["message"].startswith("The database is busy or away; nothing was changed: ")
        # Not from memory: what nobody has asked for is read beside the lock, as lists are.
        first = httpx2.get(
            f"{process.url}/{unvisited}", headers={"User-Agent": CHROME}, timeout=30, trust_env=False, verify=TLS
        )
        assert (first.status_code, ask(process, "GET", "/links").status_code) == (302, 200)
        assert metric(process, "shortmcp_journal_backlog_bytes") > 0
        other.execute("ROLLBACK")
        wait_until(lambda: instance.clicks().total() == len(load.acked) + 1)
        assert load.acked <= instance.clicks().keys()
        assert ask(process, "POST", "/links", LINK).status_code == 201
