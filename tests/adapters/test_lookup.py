"""The redirect's one read, and what it says while the database is away."""

from pathlib import Path

import pytest
from sqlalchemy import text

from shortmcp.adapters.database import Database
from shortmcp.adapters.lookup import CodeReader, PostgresReader, SqliteReader
from shortmcp.core.errors import Code, OperationError


def open_reader(database: Database) -> CodeReader:
    return SqliteReader(database.path) if database.is_sqlite else PostgresReader(database.conninfo)


def add_link(values: str) -> str:
    return (
        "INSERT INTO links (id, domain, original_url, redirect_url, expires_at, password_hash, max_clicks, og_title, "  # noqa: S608
        "og_description, og_image, forward_query, blocked_at, workspace_id, project_id, short_code, title, is_active, "
        "used_clicks, mask, notify_on_mask_break, analytics_public, created_at, updated_at) "
        f"VALUES ({values}, 1, 1, 'launch', 'A', true, 0, false, false, false, 0, 0)"
    )


def add_codes(database: Database) -> None:
    with database.write() as connection:
        for statement in (
            "INSERT INTO workspaces (id, name, slug, plan, created_at) VALUES (1, 'A', 'a', 'unlimited', 0)",
            "INSERT INTO projects VALUES (1, 1, 'A', 'a', NULL, NULL, NULL, 0, 0)",
            "INSERT INTO short_codes VALUES ('', 'launch', 1, 'link', NULL), ('', 'gone', 1, 'link', 5)",
            "INSERT INTO short_codes VALUES ('go.test', 'launch', 1, 'link', NULL)",
            add_link("7, '', 'https://a.example/', 'https://b.test/', 9, 'hash', 3, 'Title', 'Text', 'i', true, 4"),
            add_link("8, 'go.test', 'https://c.example/', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL"),
        ):
            connection.execute(text(statement))


def test_a_row_is_the_same_on_both_databases(database: Database) -> None:
    reader = open_reader(database)
    add_codes(database)
    powers = (4, "hash", 3, False, True, "Title", "Text", "i")
    assert reader.read("launch") == ("link", 7, "https://a.example/", "https://b.test/", True, 9, *powers)
    assert reader.read("go.test/launch") == (
        *("link", 8, "https://c.example/", None, True, None),
        *(None, None, None, False, False, None, None, None),
    )
    assert reader.read("gone") == ("link", *[None] * 13)
    assert reader.read("never") is None
    reader.close()


def test_a_reader_connects_anew_when_its_connection_was_cut(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no connection that could be cut.")
    reader = PostgresReader(database.conninfo)
    add_codes(database)
    for _ in range(3):
        assert reader.read("launch") is not None
        with database.write() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND query LIKE 'SELECT c.kind%'"
                )
            )
    assert reader.read("launch") is not None
    reader.close()


def test_a_database_that_is_away_is_said_to_be_unavailable(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "shortmcp.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    broken = SqliteReader(path)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE links")
    for reader in (broken, PostgresReader("postgresql://postgres@127.0.0.1:1/none")):
        with pytest.raises(OperationError) as refusal:
            reader.read("launch")
        assert refusal.value.code is Code.UNAVAILABLE
        reader.close()
    database.close()
