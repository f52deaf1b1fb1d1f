"""Alembic's entry: it is always run by `shortmcp`, which hands it a connection inside a transaction."""

from typing import Any

from alembic import context
from sqlalchemy.types import TypeDecorator

# What migrations make and no table's class describes: SQLite's index of words with the tables inside it, and
# PostgreSQL's, which is there only where its extension is.
UNDESCRIBED = frozenset(
    (
        *("link_words", "link_words_config", "link_words_data", "link_words_docsize", "link_words_idx"),
        *("link_words_gone", "link_word_parts", "ix_links_words"),
    )
)


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Whether a table or index of the database should be one of the metadata's too."""
    return name not in UNDESCRIBED


def render_item(kind: str, value: Any, _: Any) -> str | bool:
    """Write our own column types as the plain types beneath them: a migration must not change when the code does."""
    if kind == "type" and isinstance(value, TypeDecorator):
        return f"sa.{type(value.impl).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_as_batch=True,
    render_item=render_item,
    include_name=include_name,
    transactional_ddl=True,
)
context.run_migrations()
