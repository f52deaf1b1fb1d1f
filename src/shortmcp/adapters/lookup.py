"""The one indexed read behind a redirect, on a bare connection of the driver."""

import sqlite3
from pathlib import Path
from threading import Lock
from typing import Any, LiteralString, Protocol

from shortmcp.adapters.postgres import CONNECT_SECONDS, Pulse, make_connect
from shortmcp.adapters.refusals import unavailable
from shortmcp.adapters.sqlite import open_reader

_QUERY: LiteralString = (
    "SELECT c.kind, l.id, l.original_url, l.redirect_url, l.is_active, l.expires_at, l.blocked_at, "
    "l.password_hash, l.max_clicks, l.mask, l.forward_query, l.og_title, l.og_description, l.og_image "
    "FROM short_codes c LEFT JOIN links l ON l.domain = c.domain AND l.short_code = c.code "
)
Row = tuple[Any, ...]


class CodeReader(Protocol):
    """Reads the row of a code, named as over all domains: `code`, or `domain/code` on other than the own one."""

    def read(self, code: str) -> Row | None:
        """The row as `clicks.resolve` describes it, or None; times are in microseconds since 1970."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class SqliteReader:
    """Reads from SQLite in 7 to 15 microseconds: short enough for the event loop's own thread."""

    def __init__(self, path: Path) -> None:
        self._connection = open_reader(path)
        self._query = _QUERY + "WHERE c.domain = ? AND c.code = ?"

    def read(self, code: str) -> Row | None:
        """The row of a code; UNAVAILABLE where the file cannot be read now."""
        try:
            return self._connection.execute(self._query, _split(code)).fetchone()
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class PostgresReader:
    """Reads from PostgreSQL over a connection that is held, and opened anew once when it has broken."""

    def __init__(self, conninfo: str, pulse: Pulse | None = None) -> None:
        import psycopg  # noqa: PLC0415 - an extra: there only where PostgreSQL is used

        self._psycopg = psycopg
        self._connect = make_connect(lambda: pulse is not None and pulse.is_lost)
        self._conninfo = conninfo
        self._query: LiteralString = _QUERY + "WHERE c.domain = %s AND c.code = %s"
        self._lock = Lock()
        self._connection: psycopg.Connection[Row] | None = None

    def read(self, code: str) -> Row | None:
        """The row of a code; UNAVAILABLE where the database does not answer."""
        with self._lock:
            try:
                return self._read(code)
            except (self._psycopg.OperationalError, self._psycopg.errors.UndefinedTable):
                self._disconnect()
            try:
                return self._read(code)
            # No such table: another database is there, without our data. It knows nothing of any code.
            except (self._psycopg.OperationalError, self._psycopg.errors.UndefinedTable) as error:
                self._disconnect()
                raise unavailable(error) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._disconnect()

    def _read(self, code: str) -> Row | None:
        if self._connection is None:
            self._connection = self._connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                prepare_threshold=1,
                options="-c statement_timeout=3000",
            )
        return self._connection.execute(self._query, _split(code)).fetchone()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _split(code: str) -> tuple[str, str]:
    domain, _, rest = code.rpartition("/")
    return domain, rest
