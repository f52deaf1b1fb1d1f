"""Which links a page of a list holds, and how many there are in all."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import TextClause, text

from shortmcp.core.context import Context
from shortmcp.core.domains import read_domain
from shortmcp.core.links.models import LinkList
from shortmcp.core.links.searching import Selection, search
from shortmcp.core.lists import Place
from shortmcp.core.projects import find_project

# Counting more would take longer than a search may; the list itself has no such end.
MOST_COUNTED = 10_000


class Found(NamedTuple):
    """Ids in the list's order, up to one more than the page holds, and the total; see `Page`."""

    ids: list[int]
    total: int
    is_exact: bool


class _Part(NamedTuple):
    """`limit` ids after the first `offset` ones."""

    offset: int
    limit: int


def find_ids(ctx: Context, query: LinkList) -> Found:
    """The ids of one page, and the total: counted up to MOST_COUNTED where something is sought, exact otherwise."""
    chosen, place = _choose(ctx, query), query.after()
    part = _Part(query.offset, query.per_page + 1)
    rest = chosen if place is None else _beyond(chosen, place)
    if query.search is None and place is not None:
        return Found(_read(ctx, rest, part), place.total, place.is_exact)
    total = _count(ctx, chosen)
    if query.search is not None:
        return _find_sought(ctx, search(ctx, rest, query.search, total), place, part)
    return Found(_read_from_nearer_end(ctx, chosen, part, total), total, is_exact=True)


def _choose(ctx: Context, query: LinkList) -> Selection:
    order = "DESC" if query.sort == "-created_at" else "ASC"
    chosen = Selection(("workspace_id = :workspace",), {"workspace": ctx.caller.workspace_id}, order)
    if query.project is not None:
        chosen = chosen.narrow("project_id = :project", project=find_project(ctx, query.project).id)
    if query.domain is not None:
        chosen = chosen.narrow("domain = :domain", domain=read_domain(ctx.site, query.domain))
    if query.is_active is not None:
        chosen = chosen.narrow("is_active = :is_active", is_active=query.is_active)
    return chosen


def _beyond(chosen: Selection, place: Place) -> Selection:
    return chosen.narrow("links.id < :last" if chosen.order == "DESC" else "links.id > :last", last=place.last)


def _find_sought(ctx: Context, chosen: Selection, place: Place | None, part: _Part) -> Found:
    if place is None or place.is_exact:
        # A database that is asked for an order may read all links in it, in vain where few match.
        wanted = chosen.sql_in_order() if chosen.is_dense else chosen.sql()
        ids = _run(ctx, f"{wanted} LIMIT :limit", chosen, limit=MOST_COUNTED + 1)
        if len(ids) <= MOST_COUNTED:
            ids.sort(reverse=chosen.order == "DESC")
            total = len(ids) if place is None else place.total
            return Found(ids[part.offset : part.offset + part.limit], total, is_exact=True)
    known = place or Place(0, MOST_COUNTED, is_exact=False)
    return Found(_read(ctx, chosen, part), known.total, known.is_exact)


def _read_from_nearer_end(ctx: Context, chosen: Selection, part: _Part, total: int) -> list[int]:
    if part.offset >= total:
        return []
    # Skipping reads what it skips.
    if part.offset <= total // 2:
        return _read(ctx, chosen, part)
    end = min(part.offset + part.limit, total)
    mirrored = replace(chosen, order="ASC" if chosen.order == "DESC" else "DESC")
    return _read(ctx, mirrored, _Part(total - end, end - part.offset))[::-1]


def _read(ctx: Context, chosen: Selection, part: _Part) -> list[int]:
    query = f"{chosen.sql_in_order()} LIMIT :limit OFFSET :offset"
    return _run(ctx, query, chosen, limit=part.limit, offset=part.offset)


def _run(ctx: Context, query: str, chosen: Selection, **values: int) -> list[int]:
    return list(ctx.session.connection().execute(_statement(query), {**chosen.values, **values}).scalars())


@lru_cache(maxsize=256)
def _statement(query: str) -> TextClause:
    # There are as many as there are choices of filters: what callers sent is in none of them.
    return text(query)


def _count(ctx: Context, chosen: Selection) -> int:
    query = f"SELECT coalesce(sum(links), 0) FROM link_counts WHERE {' AND '.join(chosen.conditions)}"  # noqa: S608
    return int(ctx.session.connection().execute(_statement(query), dict(chosen.values)).scalar_one())
