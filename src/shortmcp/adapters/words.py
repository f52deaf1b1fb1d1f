"""PostgreSQL's index of links' words: made where the extension pg_trgm is, and done without where it is not."""

from sqlalchemy import Connection, text

INDEX = "ix_links_words"
_HAS_EXTENSION = text("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'")
_HAS_INDEX = text("SELECT to_regclass(:index) IS NOT NULL")


def add_word_index(connection: Connection) -> None:
    """Make the index where it can be made and is not there."""
    if connection.execute(_HAS_EXTENSION).scalar_one() and not has_word_index(connection):
        connection.exec_driver_sql(f"CREATE INDEX {INDEX} ON links USING gin (words gin_trgm_ops)")


def has_word_index(connection: Connection) -> bool:
    """Whether searches use an index."""
    return bool(connection.execute(_HAS_INDEX, {"index": INDEX}).scalar_one())
