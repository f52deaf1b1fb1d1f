"""Where clicks are kept: each one as a row for the plan's history, and counted per UTC day and quarter-hour.

The click pipeline writes these tables in the transaction that moves the journal's offset; analytics only read them.
"""

from sqlalchemy import BigInteger, Index, Integer, SmallInteger
from sqlmodel import Field, SQLModel

UNVERIFIED = "unverified"
DIMENSIONS = ("referrer", "country", "language", "device", "os", "browser")
DAY_MILLISECONDS = 86_400_000
QUARTER_MILLISECONDS = 900_000


class ClickRow(SQLModel, table=True):
    """One visit. `clicked_at` is in unix milliseconds; `visitor` is a hash that is salted anew each UTC day.

    `is_first` marks the visitor's first click on the link in that UTC day; bots are never first.
    """

    __tablename__ = "clicks"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (Index("ix_clicks_link_id_clicked_at", "link_id", "clicked_at"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    link_id: int
    clicked_at: int = Field(sa_type=BigInteger)
    is_bot: bool
    is_first: bool
    visitor: int = Field(sa_type=BigInteger)
    referrer: str
    country: str
    language: str
    device: str
    os: str
    browser: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str


class LinkDay(SQLModel, table=True):
    """A link's counts of one UTC day (days since 1970). `uniques` counts the day's different visitors."""

    __tablename__ = "link_days"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_with_rowid": False}

    link_id: int = Field(primary_key=True)
    day: int = Field(primary_key=True)
    total: int
    uniques: int
    bots: int


class LinkQuarter(SQLModel, table=True):
    """A link's counts of one quarter-hour (quarter-hours since 1970 UTC): every time zone's days begin on one.

    `firsts` counts the visitors whose first click of the UTC day fell into it.
    """

    __tablename__ = "link_quarters"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_with_rowid": False}

    link_id: int = Field(primary_key=True)
    quarter: int = Field(primary_key=True)
    total: int
    firsts: int
    bots: int


class LinkValue(SQLModel, table=True):
    """How many clicks of a link had a value of a dimension on one UTC day; bots are left out.

    `dimension` is the index in `DIMENSIONS`.
    """

    __tablename__ = "link_values"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = {"sqlite_with_rowid": False}

    link_id: int = Field(primary_key=True)
    day: int = Field(primary_key=True)
    dimension: int = Field(primary_key=True, sa_type=SmallInteger)
    value: str = Field(primary_key=True)
    total: int
