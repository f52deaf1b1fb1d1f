"""Pages of a list: by number for people, by cursor for agents and for streams."""

import re
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from shortmcp.core.fields import MAX_ID

Item = TypeVar("Item")
DEFAULT_SIZE = 20
MAX_SIZE = 100
_CURSOR = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})")


def _cursor(value: str, info: ValidationInfo) -> str:
    if info.data.get("page") is not None:
        raise ValueError("cannot be combined with `page`: send one of them")
    if not _CURSOR.fullmatch(value) or int(value.partition(".")[0]) > MAX_ID:
        raise ValueError("must be the `next_cursor` of an earlier answer, unchanged")
    return value


class ListQuery(BaseModel):
    """Which part of a list: `page` by number, or the part that a `cursor` continues with."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int | None, Field(ge=1, le=10**9, description="Page number, from 1; leave out with `cursor`.")] = (
        None
    )
    per_page: Annotated[int, Field(ge=1, le=MAX_SIZE, description="Items a page.")] = DEFAULT_SIZE
    cursor: Annotated[
        Annotated[str, AfterValidator(_cursor)] | None,
        Field(description="`next_cursor` of the page before: continues there."),
    ] = None

    def after(self) -> tuple[int, int] | None:
        """The last id of the page before and the total that was counted then, or None on a first page."""
        if self.cursor is None:
            return None
        last, total = self.cursor.split(".")
        return int(last), int(total)

    @property
    def offset(self) -> int:
        """How many items stand before the page."""
        return ((self.page or 1) - 1) * self.per_page


class Page(BaseModel, Generic[Item]):
    """One part of a list: the items, how many there are in all, and how to get the next ones."""

    data: list[Item]
    total: int
    next_cursor: str | None


def make_page(items: list[Item], last_id: int | None, total: int, query: ListQuery) -> Page[Item]:
    """A page from up to `per_page` + 1 `items`; the one too many tells that there is more.

    `last_id` is the id of the last item that belongs to the page.
    """
    more = len(items) > query.per_page
    return Page(
        data=items[: query.per_page], total=total, next_cursor=f"{last_id}.{total}" if more and last_id else None
    )
