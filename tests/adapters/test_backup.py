"""Copies of SQLite's database and the way back: whole or not at all, private, and never over something else."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from conftest import postgres_url
from factories import Server
from processes import SHORTMCP
from shortmcp.adapters import backup
from shortmcp.adapters.database import Database
from shortmcp.adapters.schema import migrate
from shortmcp.clicks.journal import Journal

CANARY = b"the salt of a day, 32 bytes long"


def silent(what: str, done: int, expected: int | None) -> None:
    pass


def run(*arguments: str | Path, data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHORTMCP, *arguments, "--data-dir", data_dir],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def source(tmp_path: Path, sqlite_template: Path) -> Path:
    """A database with a few workspaces, a salt, and what belongs to it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    path = folder / "shortmcp.db"
    path.write_bytes(sqlite_template.read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO visitor_salts VALUES (20000, ?)", (CANARY,))
        connection.execute("INSERT INTO visitors VALUES (1, 20000, 7)")
        connection.execute("INSERT INTO journal_rejects (file, line, found_at) VALUES ('a', ?, 1)", (CANARY,))
        # More than SQLite keeps in memory.
        rows = [(f"Name {number}".ljust(2000), f"slug-{number}") for number in range(2000)]
        connection.executemany(
            "INSERT INTO workspaces (name, slug, plan, created_at) VALUES (?, ?, 'unlimited', 0)", rows
        )
    return path


def test_a_copy_holds_everything_but_what_leads_to_addresses(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    looks: list[tuple[str, int, int | None]] = []
    with backup.unfinished(copy) as empty:
        backup.copy(source, empty, lambda what, done, expected: looks.append((what, done, expected)), step=50)
        assert not copy.exists()
    assert ask(copy, "SELECT count(*) FROM workspaces") == [(2000,)]
    assert ask(copy, "PRAGMA integrity_check") == [("ok",)]
    assert ask(copy, "SELECT salt FROM visitor_salts UNION ALL SELECT visitor FROM visitors") == []
    assert ask(copy, "SELECT line FROM journal_rejects") == []
    assert CANARY in source.read_bytes()
    assert CANARY not in copy.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]
    sizes = [done for what, done, _ in looks if what == "copied"]
    assert sizes == sorted(sizes)
    assert 0 < sizes[-1] <= copy.stat().st_size


def test_a_copy_that_breaks_off_or_comes_second_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"

    def stop(what: str, done: int, expected: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(sqlite3.OperationalError, match="interrupted"), backup.unfinished(copy) as empty:
        backup.copy(source, empty, stop, step=50)
    with pytest.raises(FileExistsError), backup.unfinished(copy):
        copy.write_text("somebody else's")
    assert copy.read_text() == "somebody else's"
    refused = run("backup", copy, data_dir=source.parent)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: {copy} is there already: name a new file.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]


def test_a_backup_of_nothing_makes_no_database(tmp_path: Path) -> None:
    refused = run("backup", tmp_path / "copy.db", data_dir=tmp_path / "nowhere")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Error: There is no database at {tmp_path}/nowhere/shortmcp.db")
    assert list(tmp_path.iterdir()) == []


def test_clicks_that_nobody_counts_are_told_of(source: Path, tmp_path: Path) -> None:
    journal = Journal(source.parent / "clicks")
    journal.write(b"[]")
    journal.close()
    done = run("backup", tmp_path / "copy.db", data_dir=source.parent)
    assert done.returncode == 0
    assert done.stderr.startswith("12 bytes of the click journal were not counted yet")


def copy_of(source: Path) -> Path:
    path = source.parent.parent / "copy.db"
    with backup.unfinished(path) as empty:
        backup.copy(source, empty, silent)
    return path


def restore(copied: Path, database: Path) -> Path | None:
    return backup.restore(copied, database, database.parent / "clicks", silent)


def test_a_restored_database_is_the_copy_and_the_old_one_is_kept_whole(source: Path) -> None:
    copied = copy_of(source)
    database = Database(f"sqlite:///{source}")
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM workspaces")
    # As after a kill: the deletion is in the log alone.
    os.link(source.with_name("shortmcp.db-wal"), source.with_name("wal"))
    os.link(source, source.with_name("main"))
    database.close()
    source.unlink(missing_ok=True)
    source.with_name("main").rename(source)
    source.with_name("wal").rename(source.with_name("shortmcp.db-wal"))
    kept = source.with_name("shortmcp.db.before-restore-1")
    assert restore(copied, source) == kept
    assert ask(source, "SELECT count(*) FROM workspaces") == [(2000,)]
    assert ask(kept, "SELECT count(*) FROM workspaces") == [(0,)]
    assert source.stat().st_mode & 0o777 == 0o600
    assert restore(copied, source) == source.with_name("shortmcp.db.before-restore-2")
    migrated = Database(f"sqlite:///{source}")
    migrate(migrated)
    migrated.close()


def test_a_database_that_is_destroyed_can_be_replaced_and_its_log_is_not_played_into_the_copy(source: Path) -> None:
    copied = copy_of(source)
    source.write_bytes(b"no database" * 1000)
    for suffix in ("-wal", "-journal"):
        source.with_name(source.name + suffix).write_bytes(b"of another database")
    # Of a process that is about to serve what is left of it.
    journal = Journal(source.parent / "clicks")
    with pytest.raises(ValueError, match="uses the database"):
        restore(copied, source)
    journal.close()
    shutil.rmtree(source.parent / "clicks")
    kept = restore(copied, source)
    assert kept
    assert kept.read_bytes() == b"no database" * 1000
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"of another database"
    assert ask(source, "SELECT count(*) FROM workspaces") == [(2000,)]
    assert sorted(path.name for path in source.parent.iterdir()) == [
        "shortmcp.db",
        "shortmcp.db.before-restore-1",
        "shortmcp.db.before-restore-1-journal",
        "shortmcp.db.before-restore-1-wal",
        "shortmcp.db.lock",
    ]


def test_a_copy_that_is_none_changes_nothing(source: Path, tmp_path: Path) -> None:
    good = copy_of(source)
    foreign, damaged, newer = tmp_path / "foreign.db", tmp_path / "damaged.db", tmp_path / "newer.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE alembic (x)")
    data = bytearray(good.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8192] = bytes(8192)
    damaged.write_bytes(data)
    newer.write_bytes(good.read_bytes())
    with closing(sqlite3.connect(newer, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = source.read_bytes()
    for path, sentence in (
        (tmp_path / "nothing.db", "There is no file"),
        (foreign, "is no copy of a shortmcp database"),
        (damaged, "is a damaged database|is no sound SQLite database"),
        (newer, "revision 9999, which this version of shortmcp does not know"),
    ):
        with pytest.raises(ValueError, match=sentence):
            restore(path, source)
    assert source.read_bytes() == before
    assert list(source.parent.iterdir()) == [source]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_put_under_a_running_server(server: Server, tmp_path: Path) -> None:
    path = server.node.database.path
    copied = tmp_path / "copy.db"
    with backup.unfinished(copied) as empty:
        backup.copy(path, empty, silent)
    refused = run("restore", copied, data_dir=tmp_path)
    assert refused.stderr.startswith("Error: A server, a worker or a command uses the database")
    # Nor under one whose journal is elsewhere, for it has the file open.
    with pytest.raises(ValueError, match="uses the database"):
        backup.restore(copied, path, tmp_path / "another", silent)
    assert not list(tmp_path.glob("*before-restore*"))


def test_without_pg_dump_a_sentence_says_what_is_missing(postgres_template: str, tmp_path: Path) -> None:
    url = postgres_url(postgres_template)
    done = run("backup", tmp_path / "copy", "--database-url", url, data_dir=tmp_path, PATH="/nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: pg_dump is not installed here: it comes with PostgreSQL's client programs")
    told = run("restore", tmp_path / "copy", "--database-url", url, data_dir=tmp_path)
    assert "`pg_restore --no-owner" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_dump_that_fails_says_why_and_no_password(tmp_path: Path) -> None:
    url = make_url("postgresql://nobody:canary@127.0.0.1:1/nothing")
    with pytest.raises(ValueError, match="pg_dump failed: ") as caught:
        backup.dump(url, tmp_path / "copy", silent)
    assert "canary" not in str(caught.value)
