"""The types that fields of every operation share: texts without traps, moments in UTC, references."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SerializationInfo, Strict, WithJsonSchema
from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

# Constraints need names so that a later migration can change them, on SQLite too. Set before any table is made:
# every module with a table imports this one.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
# Ids are INTEGER columns: PostgreSQL does not even compare them with more.
MAX_ID = 2**31 - 1
# The context in which a dump can be read again and be equal: moments keep their microseconds.
EXACT = "exact"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC: exact and alike on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, as `Moment` stores them."""
    return (moment - _EPOCH) // _MICROSECOND


def _storable(text: str) -> str:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):  # noqa: PLR2004
        raise ValueError("holds half of a surrogate pair: send valid Unicode text")
    if "\0" in text:
        raise ValueError("holds a NUL character: leave it out")
    return text


def _verbatim(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in _storable(text)):
        raise ValueError("holds control characters or line breaks: send one line of plain text")
    return text


def _one_line(text: str) -> str:
    return _verbatim(_storable(text).strip())


def _paragraphs(text: str) -> str:
    text = _storable(text).strip()
    if any(unicodedata.category(character) == "Cc" and character not in "\n\r\t" for character in text):
        raise ValueError("holds control characters: send plain text")
    return text


def _required(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _flag(value: Any) -> Any:
    # A query string has only text. Pydantic would take "yes", "on" and "1" as well.
    return {"true": True, "false": False}.get(value, 0) if isinstance(value, str) else value


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be an ISO 8601 date and time, such as 2026-06-07T14:30:00+00:00")
    try:
        moment = datetime.fromisoformat(value.upper())
        # A moment without an offset is taken as UTC; seconds are what every answer shows.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("names a moment that does not exist, or one outside the years 1 to 9999") from error


def _shown(moment: datetime, info: SerializationInfo) -> str:
    return moment.isoformat(timespec="microseconds" if info.context == EXACT else "seconds")


def _reference(value: Any) -> Any:
    # Agents send the id that they were shown as a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Storable = AfterValidator(_storable)
Line = Annotated[str, AfterValidator(_one_line), AfterValidator(_required)]
OptionalLine = Annotated[str, AfterValidator(_one_line)]
# As it was sent, blanks at its ends too.
Verbatim = Annotated[str, AfterValidator(_verbatim), AfterValidator(_required), Field(max_length=255)]
Flag = Annotated[bool, BeforeValidator(_flag), Strict()]
Paragraphs = Annotated[str, AfterValidator(_paragraphs)]
Reference = Annotated[
    str,
    BeforeValidator(_reference),
    Storable,
    Field(max_length=255),
    WithJsonSchema({"type": ["string", "integer"], "maxLength": 255}),
]
IncomingMoment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
OutgoingMoment = Annotated[
    datetime,
    PlainSerializer(_shown, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
