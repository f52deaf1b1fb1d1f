"""What a caller is told while the database cannot do what it is asked."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from shortmcp.adapters.postgres import AWAY_STATES
from shortmcp.core.errors import Code, OperationError

_BUSY: Final = "The database is busy or away; nothing was changed: try again in a few seconds."
_TOO_LONG: Final = (
    "The answer took the database too long, so it was given up: ask for less at once, such as a shorter range of dates."
)
_FULL: Final = (
    "The database's disk is full; nothing was changed: try again when its operator has made room. "
    "Redirects and reading go on."
)
_FAILING: Final = (
    "The database's disk fails; nothing was changed: try again in a minute, and tell the operator if it stays so."
)
_READ_ONLY: Final = (
    "The database takes no changes at the moment; nothing was changed: try again in a minute. "
    "Redirects and reading go on."
)
_MISPLACED: Final = (
    "The database's file was deleted or replaced while the server runs; nothing was changed: its operator has to put "
    "it back, or to start the server anew. Redirects go on."
)
_SECONDS: Final = 5
_SECONDS_OF_TROUBLE: Final = 60
# SQLite's primary codes, and PostgreSQL's states.
_SENTENCES: Final = {
    sqlite3.SQLITE_INTERRUPT: _TOO_LONG,
    "57014": _TOO_LONG,
    sqlite3.SQLITE_FULL: _FULL,
    "53100": _FULL,
    sqlite3.SQLITE_IOERR: _FAILING,
    "58030": _FAILING,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
}
_PRIMARY: Final = 0xFF
# PostgreSQL's states for: unique violation, foreign key violation, serialization failure, deadlock.
_RACE_STATES: Final = frozenset({"23505", "23503", "40001", "40P01"})


def unavailable(error: BaseException | None = None) -> OperationError:
    """The refusal while the database does not answer, or answered with the driver's `error`."""
    sentence = _SENTENCES.get(_code(error), _BUSY)
    wait = _SECONDS if sentence in {_BUSY, _TOO_LONG} else _SECONDS_OF_TROUBLE
    return OperationError(Code.UNAVAILABLE, sentence, retry_after=wait)


def misplaced() -> OperationError:
    """The refusal where what would be written would be in no file that anybody can find."""
    return OperationError(Code.UNAVAILABLE, _MISPLACED, retry_after=_SECONDS_OF_TROUBLE)


def _code(error: BaseException | None) -> int | str:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return getattr(error, "sqlstate", None) or ""


@contextmanager
def raced() -> Generator[None]:
    """CONFLICT where PostgreSQL let two writers at the same thing: the one that comes second has changed nothing."""
    lost = OperationError(
        Code.CONFLICT, "Something else changed the same thing at the same moment; nothing was stored: try again."
    )
    try:
        yield
    except StaleDataError as error:
        raise lost from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _RACE_STATES:
            raise lost from error
        raise


@contextmanager
def unsure() -> Generator[None]:
    """UNAVAILABLE, in other words, where the server is gone in the middle of a commit: it may be stored or not."""
    # The server may have gone before it heard of it, or before it could answer.
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise OperationError(
            Code.UNAVAILABLE,
            "The database went away while it stored this, and may have stored it or not: look before you try again.",
            retry_after=5,
        ) from error


@contextmanager
def translated() -> Generator[None]:
    """`translate` whatever flies."""
    try:
        yield
    except Exception as error:
        translate(error)
        raise


def translate(error: BaseException) -> None:
    """UNAVAILABLE for a database that is away, locked or out of connections; anything else is a bug and flies."""
    if isinstance(error, sqlite3.OperationalError):
        raise unavailable(error) from error
    if isinstance(error, OperationalError):
        raise unavailable(error.orig) from error
    is_gone = isinstance(error, DBAPIError) and (
        error.connection_invalidated or getattr(error.orig, "sqlstate", None) in AWAY_STATES
    )
    if is_gone or isinstance(error, PoolTimeout):
        raise unavailable() from error
