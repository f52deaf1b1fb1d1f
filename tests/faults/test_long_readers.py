"""Somebody who goes on reading SQLite's file: the log grows meanwhile, which is told, and is folded in afterwards."""

import sqlite3
from contextlib import closing
from pathlib import Path

from crash.harness import Instance, Load, make_link, metric, wait_until

VISITS = 500


def test_the_log_of_a_long_reader_is_told_of_and_used_again_when_the_reader_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "shortmcp.db"
    log = path.with_name("shortmcp.db-wal")
    instance = Instance(tmp_path / "instance", f"sqlite:///{path}")
    with instance.run() as process, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        load = Load(make_link(process))
        reader.execute("BEGIN")
        seen = reader.execute("SELECT count(*) FROM clicks").fetchone()
        before = (log.stat().st_size, began_anew(log))
        with load.on(process.url):
            load.wait_for(VISITS)
        wait_until(lambda: instance.clicks().total() == len(load.acked))
        assert metric(process, "shortmcp_wal_bytes") == log.stat().st_size > before[0]
        assert reader.execute("SELECT count(*) FROM clicks").fetchone() == seen
        assert began_anew(log) == before[1]
        reader.execute("COMMIT")
        wait_until(lambda: make_link(process) and began_anew(log) > before[1])


def began_anew(log: Path) -> int:
    """How often the log was begun anew: a number in its header."""
    return int.from_bytes(log.read_bytes()[12:16])
