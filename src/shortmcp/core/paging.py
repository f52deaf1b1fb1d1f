"""Lists of one table's rows in the order of their ids: the part that a query asks for, and how many there are."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from shortmcp.core.context import Context
from shortmcp.core.lists import ListQuery, Page, make_page


class Identified(Protocol):
    """A row with an id."""

    id: Any


Row = TypeVar("Row", bound=Identified)
Item = TypeVar("Item")


def page_newest_first(
    ctx: Context, query: ListQuery, table: type[Row], mine: ColumnElement[bool], show: Callable[[Row], Item]
) -> Page[Item]:
    """The rows of `table` that are `mine`, each as `show` shows it; they are counted on a first page alone."""
    ids, after = col(table.id), query.after()
    total = after.total if after else ctx.session.exec(select(func.count()).select_from(table).where(mine)).one()
    wanted = select(table).where(mine).order_by(ids.desc()).limit(query.per_page + 1)
    wanted = wanted.where(ids < after.last) if after else wanted.offset(query.offset)
    rows = list(ctx.session.exec(wanted))
    last = rows[query.per_page - 1].id if len(rows) > query.per_page else None
    return make_page([show(row) for row in rows], last, total, query)
