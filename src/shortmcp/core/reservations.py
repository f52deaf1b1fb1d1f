"""Reserved codes: kept for the workspace until it makes something of them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described
from sqlmodel import col, select

from shortmcp.core.codes import Kind, ReservedCode, claim_code, count_codes, retire_code
from shortmcp.core.context import Context
from shortmcp.core.domains import read_domain
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.fields import Line, OutgoingMoment, Reference
from shortmcp.core.limits import check_link_limit
from shortmcp.core.lists import ListQuery, Page
from shortmcp.core.paging import page_newest_first

Domain = Annotated[Reference | None, Described(description="Short domain of the code, where there are several.")]


class CodeReserve(BaseModel):
    """Which code to reserve."""

    model_config = ConfigDict(extra="forbid")

    short_code: Annotated[Line, Described(max_length=255, description="The code: a-z, 0-9 and dashes.")]
    domain: Domain = None


class ReservedRef(BaseModel):
    """Which reserved code."""

    model_config = ConfigDict(extra="forbid")

    short_code: Annotated[Reference, Described(description="The reserved code.")]
    domain: Domain = None


class ReservedPublic(BaseModel):
    """A reserved code as its workspace sees it."""

    short_code: str
    domain: str
    short_url: str
    created_at: OutgoingMoment


def reserve_code(ctx: Context, new: CodeReserve) -> ReservedPublic:
    """Reserve a code, so that only this workspace can make a short link of it later; till then visitors get 404.

    Refuses a code that is taken. It counts as a short link in the plan's limit. Use create_short_link with the code to
    make a link of it, and release_code to give it up.
    """
    domain = read_domain(ctx.site, new.domain)
    code = claim_code(ctx, new.short_code, Kind.RESERVED, domain=domain)
    check_link_limit(ctx, lambda: count_codes(ctx) - 1)
    reserved = ReservedCode(workspace_id=ctx.caller.workspace_id, domain=domain, code=code, created_at=ctx.now)
    ctx.session.add(reserved)
    ctx.session.flush()
    return _public(ctx, reserved)


def list_reserved_codes(ctx: Context, query: ListQuery) -> Page[ReservedPublic]:
    """List the workspace's reserved codes, newest first. Codes of links are not among them: use list_short_links."""
    mine = col(ReservedCode.workspace_id) == ctx.caller.workspace_id
    return page_newest_first(ctx, query, ReservedCode, mine, lambda code: _public(ctx, code))


def release_code(ctx: Context, ref: ReservedRef) -> None:
    """Give a reserved code up. No other workspace gets it, but this one may reserve or use it again."""
    domain, code = read_domain(ctx.site, ref.domain), ref.short_code.lower()
    mine = select(ReservedCode).where(ReservedCode.workspace_id == ctx.caller.workspace_id)
    found = ctx.session.exec(mine.where(ReservedCode.domain == domain, ReservedCode.code == code)).first()
    if found is None:
        raise OperationError(
            Code.NOT_FOUND, "There is no such reserved code in this workspace.", hint="list_reserved_codes shows them."
        )
    ctx.session.delete(found)
    retire_code(ctx, code, domain)


def _public(ctx: Context, reserved: ReservedCode) -> ReservedPublic:
    return ReservedPublic(
        short_code=reserved.code,
        domain=reserved.domain or ctx.site.host,
        short_url=ctx.site.short_url(reserved.code, reserved.domain),
        created_at=reserved.created_at,
    )
