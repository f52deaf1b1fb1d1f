"""Searches as SQL: which links hold a text, found by an index of words wherever there is one.

What is sought stands for itself: `%`, `_`, quotes and operators are characters like all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text

from shortmcp.core.context import Context
from shortmcp.core.links.words import fold

# What SQLite's index keeps; shorter texts are looked up as the beginnings of such parts.
_PART = 3
_MOST_PARTS = 500
_HIGHEST = chr(0x10FFFF)
# So many links are read as quickly as an index is asked.
_FEW = 5_000
# A search is dense where it finds more than one in ten of the first links in the list's order.
_FIRST, _MANY_OF_FIRST = 1_000, 100
# Where the three characters begin with which the index marks a link's workspace, and how many there are.
_MARKS, _MARK_COUNT = 0xE000, 4096


@dataclass(frozen=True)
class Selection:
    """Some links of one workspace, as SQL: `source` with the table `links`, and `key`, which holds their ids.

    `conditions` are words of ours with parameters; what callers sent stands in `values` alone. `is_dense` tells that
    reading links in `order` finds enough of these soon; of others, it may find none for long.
    """

    conditions: tuple[str, ...]
    values: Mapping[str, Any]
    order: str = "DESC"
    source: str = "links"
    key: str = "links.id"
    is_dense: bool = False

    def narrow(self, condition: str, **values: Any) -> "Selection":
        """Those of the links that meet another condition."""
        return replace(self, conditions=(*self.conditions, condition), values={**self.values, **values})

    def sql(self) -> str:
        """The query for their ids, without an order."""
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        return f"SELECT {self.key} FROM {self.source}{where}"  # noqa: S608 - see above

    def sql_in_order(self) -> str:
        """The query for their ids as the list has them."""
        return f"{self.sql()} ORDER BY {self.key} {self.order}"


def search(ctx: Context, among: Selection, sought: str, size: int) -> Selection:
    """Those of the links, `size` in all, whose address, code or title holds what is sought."""
    sought = fold(sought)
    if ctx.session.get_bind().dialect.name == "postgresql":
        return _search_postgres(ctx, among, sought)
    return _search_sqlite(ctx, among, sought, size)


def _search_postgres(ctx: Context, among: Selection, sought: str) -> Selection:
    # A plan that is made before the text is known cannot know whether it is rare.
    ctx.session.connection().execute(text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"))
    found = among.narrow("links.words LIKE :sought", sought=f"%{_escape(sought)}%")
    if not _is_dense(ctx, among, found):
        return found
    # Left to itself it would walk through the links of all workspaces, hoping for one of this one's soon. OFFSET 0
    # keeps it from joining both parts into one.
    each = "SELECT 1 FROM links WHERE links.id = mine.id AND links.words LIKE :sought OFFSET 0"
    source = f"({among.sql_in_order()}) AS mine CROSS JOIN LATERAL ({each}) AS found"
    return replace(found, conditions=(), source=source, key="mine.id", is_dense=True)


def _search_sqlite(ctx: Context, among: Selection, sought: str, size: int) -> Selection:
    read = among.narrow("instr(links.words, :sought) > 0", sought=sought)
    if size <= _FEW:
        return read
    # For a short text the index would go through every place of every part to say which parts there are.
    if len(sought) < _PART and _is_dense(ctx, among, read):
        return replace(read, is_dense=True)
    parts = [sought] if len(sought) >= _PART else _parts_that_begin(ctx, sought)
    if len(parts) > _MOST_PARTS:
        return read
    # CROSS JOIN: SQLite keeps to this order and does not ask the index once for each link of the workspace.
    indexed = replace(among, source="link_words CROSS JOIN links", key="link_words.rowid")
    wanted = f"workspace : {_quote(_mark(ctx.caller.workspace_id))} AND words : ({' OR '.join(map(_quote, parts))})"
    return indexed.narrow("link_words MATCH :wanted AND links.id = link_words.rowid", wanted=wanted if parts else '""')


def _is_dense(ctx: Context, among: Selection, found: Selection) -> bool:
    first = f"({among.sql_in_order()} LIMIT :first) AS mine"
    query = f"SELECT count(*) FROM {first} JOIN links ON links.id = mine.id WHERE {found.conditions[-1]}"  # noqa: S608
    values = {**found.values, "first": _FIRST}
    return ctx.session.connection().execute(text(query), values).scalar_one() > _MANY_OF_FIRST


def _parts_that_begin(ctx: Context, sought: str) -> list[str]:
    query = text("SELECT term FROM link_word_parts WHERE term >= :low AND term < :high LIMIT :most")
    values = {"low": sought, "high": sought + _HIGHEST, "most": _MOST_PARTS + 1}
    return list(ctx.session.connection().execute(query, values).scalars())


def _mark(workspace_id: int) -> str:
    # As the triggers of the migration write it.
    digits = (workspace_id // _MARK_COUNT**2, workspace_id // _MARK_COUNT % _MARK_COUNT, workspace_id % _MARK_COUNT)
    return "".join(chr(_MARKS + digit) for digit in digits)


def _quote(phrase: str) -> str:
    return '"' + phrase.replace('"', '""') + '"'


def _escape(sought: str) -> str:
    return sought.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
