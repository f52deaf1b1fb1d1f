"""The ingester's own books: how far each journal file has been read, and what makes a visitor new."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class JournalOffset(SQLModel, table=True):
    """How many bytes of a journal file are counted; moved in the transaction that counts them."""

    __tablename__ = "journal_offsets"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    file: str = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)


class JournalReject(SQLModel, table=True):
    """A journal line that could not be read, kept for a day or two for a person to look at."""

    __tablename__ = "journal_rejects"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    file: str
    line: bytes
    found_at: int = Field(sa_type=BigInteger)


class VisitorSalt(SQLModel, table=True):
    """The salt of one UTC day's visitor hashes; deleted soon after, so that no hash can be traced to an address."""

    __tablename__ = "visitor_salts"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    day: int = Field(primary_key=True)
    salt: bytes


class Visitor(SQLModel, table=True):
    """A visitor whom a link has seen on a UTC day; deleted with the day's salt."""

    __tablename__ = "visitors"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_with_rowid": False}

    link_id: int = Field(primary_key=True)
    day: int = Field(primary_key=True)
    visitor: int = Field(primary_key=True, sa_type=BigInteger)
