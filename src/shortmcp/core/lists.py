"""Pages of a list: by number for people, by cursor for agents and for streams."""

import re
from hashlib import sha256
from typing import Annotated, Generic, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from shortmcp.core.errors import invalid
from shortmcp.core.fields import MAX_ID

Item = TypeVar("Item")
DEFAULT_SIZE = 20
MAX_SIZE = 100
_CURSOR = re.compile(r"([0-9]{1,19})\.(~?)([0-9]{1,19})(?:\.([0-9a-f]{8}))?")


class Place(NamedTuple):
    """What a cursor knows: the last id of the page before and the total that was counted then.

    `is_exact` is false where counting stopped at that total.
    """

    last: int
    total: int
    is_exact: bool


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

    def after(self) -> Place | None:
        """Where the page before ended, or None on a first page; INVALID for the cursor of another list."""
        read = None if self.cursor is None else _CURSOR.fullmatch(self.cursor)
        if read is None:
            return None
        last, about, total, list_mark = read.groups()
        if (list_mark or "") != self.list_mark():
            raise invalid(
                "cursor", "`cursor` belongs to a list with other filters or another order: send the same ones with it."
            )
        return Place(int(last), int(total), not about)

    def list_mark(self) -> str:
        """What tells this list from others that are filtered or sorted in another way; empty for a plain one."""
        asked = self.model_dump_json(exclude={"page", "per_page", "cursor"}, exclude_defaults=True)
        return "" if asked == "{}" else sha256(asked.encode()).hexdigest()[:8]

    @property
    def offset(self) -> int:
        """How many items stand before the page."""
        return ((self.page or 1) - 1) * self.per_page


class Page(BaseModel, Generic[Item]):
    """One part of a list: the items, how many there are in all, and how to get the next ones.

    Where `total_is_exact` is false there are more than `total`.
    """

    data: list[Item]
    total: int
    total_is_exact: bool
    next_cursor: str | None


def make_page(
    items: list[Item], last_id: int | None, total: int, query: ListQuery, *, is_exact: bool = True
) -> Page[Item]:
    """A page from up to `per_page` + 1 `items`; the one too many tells that there is more.

    `last_id` is the id of the last item that belongs to the page.
    """
    more = len(items) > query.per_page and last_id is not None
    place = f"{last_id}.{'' if is_exact else '~'}{total}"
    cursor = ".".join([place, *filter(None, [query.list_mark()])])
    return Page(
        data=items[: query.per_page],
        total=total,
        total_is_exact=is_exact,
        next_cursor=cursor if more else None,
    )
