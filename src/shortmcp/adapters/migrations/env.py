"""Alembic's entry: it is always run by `shortmcp`, which hands it a connection inside a transaction."""

from typing import Any

from alembic import context
from sqlalchemy.types import TypeDecorator


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
    transactional_ddl=True,
)
context.run_migrations()
