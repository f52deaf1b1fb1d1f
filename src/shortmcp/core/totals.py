"""How often links were followed in all: what outlives the history that a plan keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import BigInteger, bindparam, text
from sqlmodel import Field, SQLModel

from shortmcp.core.context import Context

_EPOCH = date(1970, 1, 1)
_RECENT = text(
    "SELECT coalesce(sum(CASE WHEN day = :today THEN total ELSE 0 END), 0),"
    " coalesce(sum(CASE WHEN day >= :week THEN total ELSE 0 END), 0),"
    " coalesce(sum(CASE WHEN day >= :month THEN total ELSE 0 END), 0)"
    " FROM link_days WHERE link_id = :link AND day >= :first AND day <= :today"
)

_TOTAL = text("SELECT total, uniques FROM link_totals WHERE link_id = :link")
_TOTALS = text("SELECT link_id, total, uniques FROM link_totals WHERE link_id IN :links").bindparams(
    bindparam("links", expanding=True)
)


class LinkTotal(SQLModel, table=True):
    """A link's clicks ever since, written with its other counts. `uniques` adds up each UTC day's visitors."""

    __tablename__ = "link_totals"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    link_id: int = Field(primary_key=True)
    total: int = Field(sa_type=BigInteger)
    uniques: int = Field(sa_type=BigInteger)
    bots: int = Field(sa_type=BigInteger)


@dataclass(frozen=True, slots=True)
class Total:
    """Clicks of people and the sum of each day's different visitors."""

    clicks: int = 0
    uniques: int = 0


@dataclass(frozen=True, slots=True)
class Recent:
    """Clicks of people in UTC: today, in the week from Monday on, in this calendar month."""

    today: int
    week: int
    month: int


def read_totals(ctx: Context, link_ids: Sequence[int]) -> Mapping[int, Total]:
    """The totals of those links that were ever followed."""
    rows = ctx.session.connection().execute(_TOTALS, {"links": list(link_ids)})
    return {link_id: Total(clicks, uniques) for link_id, clicks, uniques in rows}


def read_total(ctx: Context, link_id: int) -> Total:
    """The total of one link."""
    row = ctx.session.connection().execute(_TOTAL, {"link": link_id}).first()
    return Total() if row is None else Total(*row)


def read_recent(ctx: Context, link_id: int) -> Recent:
    """The latest clicks on one link."""
    today = ctx.now.date()
    week, month = today - timedelta(today.weekday()), today.replace(day=1)
    days = {"today": today, "week": week, "month": month, "first": min(week, month)}
    values = {name: (day - _EPOCH).days for name, day in days.items()}
    return Recent(*ctx.session.connection().execute(_RECENT, {"link": link_id, **values}).one())
