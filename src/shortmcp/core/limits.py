"""Plan limits: how many things a workspace may have and how often a token may call."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, text
from sqlmodel import Field, SQLModel

from shortmcp.core.context import Caller, Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.quotas import Use, tell_of_use

WINDOW_MILLISECONDS = 60_000
_CONSEQUENCE = "When all are used, no new ones can be made: delete some, or move to a larger plan."
_COUNT_REQUEST = text(
    "INSERT INTO request_windows (token_id, started_at, requests) VALUES (:token, :began, :seen + 1) "
    "ON CONFLICT (token_id) DO UPDATE SET "
    "requests = CASE WHEN request_windows.started_at BETWEEN :oldest AND :latest AND request_windows.requests > :seen "
    "THEN request_windows.requests + 1 ELSE :seen + 1 END, "
    "started_at = CASE WHEN request_windows.started_at BETWEEN :oldest AND :latest "
    "THEN request_windows.started_at ELSE :began END "
    "RETURNING started_at, requests"
)


@dataclass(frozen=True, slots=True)
class Minute:
    """How many requests a token's minute has seen, and how many milliseconds are left of it."""

    requests: int
    left: int


# No request was seen yet: the minute begins now.
UNSEEN = Minute(0, WINDOW_MILLISECONDS)


class RequestWindow(SQLModel, table=True):
    """The minute that a token's latest request fell into: when it began (unix milliseconds) and how many came."""

    __tablename__ = "request_windows"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    token_id: int = Field(primary_key=True)
    started_at: int = Field(sa_type=BigInteger)
    requests: int


def check_project_limit(ctx: Context, count: Callable[[], int]) -> None:
    """Refuse one project more than the plan allows; tell the owner when they run out."""
    _check(ctx, ctx.caller.plan.projects, count, "projects")


def check_link_limit(ctx: Context, count: Callable[[], int]) -> None:
    """Refuse one link more than the plan allows; tell the owner when they run out."""
    _check(ctx, ctx.caller.plan.links, count, "short links")


def check_paste_limit(ctx: Context, count: Callable[[], int]) -> None:
    """Refuse one paste more than the plan allows; tell the owner when they run out."""
    _check(ctx, ctx.caller.plan.pastes, count, "pastes")


def check_webhook_limit(ctx: Context, count: Callable[[], int]) -> None:
    """Refuse one webhook more than the plan allows."""
    _check(ctx, ctx.caller.plan.webhooks, count, "webhooks")


def add_request(connection: Connection, token_id: int, now: int, seen: Minute = UNSEEN) -> Minute:
    """Count one request of a token at `now` (unix milliseconds).

    A minute begins with the first request after the one before has ended. One statement counts, so the limit is exact
    over processes and faces. It goes on from what was `seen`, where another counter has counted on and is away now.
    """
    # Requests at once read the clock in another order than they are counted in: a minute that has begun a little later
    # is the same one. One that begins further ahead is from before the clock was set back.
    latest = now + WINDOW_MILLISECONDS
    oldest, began = now - WINDOW_MILLISECONDS + 1, now + seen.left - WINDOW_MILLISECONDS
    counted = {"token": token_id, "began": began, "seen": seen.requests, "oldest": oldest, "latest": latest}
    started, requests = connection.execute(_COUNT_REQUEST, counted).one()
    return Minute(requests, started + WINDOW_MILLISECONDS - now)


def check_request(caller: Caller, minute: Minute) -> int:
    """How many requests remain to the caller this minute; RATE_LIMITED past the plan's limit."""
    limit = caller.plan.requests_per_minute or 0
    if minute.requests > limit:
        wait = -(-minute.left // 1000)
        raise OperationError(
            Code.RATE_LIMITED,
            f"More than {limit} requests in a minute: try again in {wait} seconds.",
            retry_after=wait,
        )
    return limit - minute.requests


def _check(ctx: Context, limit: int | None, count: Callable[[], int], things: str) -> None:
    if limit is None:
        return
    # PostgreSQL lets two creations run at once: the later one waits here until the first one's row can be counted.
    if ctx.session.get_bind().dialect.name == "postgresql":
        ctx.session.connection().execute(
            text("SELECT id FROM workspaces WHERE id = :id FOR UPDATE"), {"id": ctx.caller.workspace_id}
        )
    used = count()
    if used >= limit:
        raise OperationError(
            Code.PLAN_LIMIT,
            f"The plan `{ctx.caller.plan.name}` allows {limit} {things}, and the workspace has them all.",
            hint="Delete one or move to a larger plan.",
        )
    use = Use(things, things, used + 1, limit, _CONSEQUENCE)
    tell_of_use(ctx.session.connection(), ctx.caller.workspace_id, ctx.caller.plan, use, ctx.now)
