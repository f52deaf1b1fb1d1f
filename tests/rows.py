"""Rows that tests put straight into tables."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert

from shortmcp.core.links.tables import Link
from shortmcp.core.links.words import make_words

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def insert_links(connection: Connection, links: Iterable[dict[str, Any]]) -> None:
    """Links of workspace 1 and project 1, if not said otherwise, without their codes being claimed."""
    usual: dict[str, Any] = {"workspace_id": 1, "project_id": 1, "original_url": "https://a.example/", "title": "A"}
    moments: dict[str, Any] = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    rows = [Link(**{**usual, **moments, **link}).model_dump(exclude_none=True) for link in links]
    for row in rows:
        row["words"] = make_words(row["original_url"], row["short_code"], row["title"])
    connection.execute(insert(Link), rows)
