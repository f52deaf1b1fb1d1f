"""Plan limits: how many things a workspace may have and how often a token may call."""

from collections.abc import Callable

from sqlalchemy import BigInteger, text
from sqlmodel import Field, Session, SQLModel

from shortmcp.core.context import Caller, Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.quotas import Use, tell_of_use

WINDOW_MILLISECONDS = 60_000
_CONSEQUENCE = "When all are used, no new ones can be made: delete some, or move to a larger plan."
_COUNT_REQUEST = text(
    "INSERT INTO request_windows (token_id, started_at, requests) VALUES (:token, :now, 1) "
    "ON CONFLICT (token_id) DO UPDATE SET "
    "requests = CASE WHEN request_windows.started_at BETWEEN :oldest AND :latest "
    "THEN request_windows.requests + 1 ELSE 1 END, "
    "started_at = CASE WHEN request_windows.started_at BETWEEN :oldest AND :latest "
    "THEN request_windows.started_at ELSE :now END "
    "RETURNING started_at, requests"
)


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


def count_request(session: Session, caller: Caller, now: int) -> int:
    """Count one request of the caller's token at `now` (unix milliseconds) and return how many remain this minute.

    A minute begins with the first request after the one before has ended. Raises RATE_LIMITED past the limit, which
    the plan must have. One statement decides, so the limit is exact over processes and faces.
    """
    limit = caller.plan.requests_per_minute or 0
    # Requests at once read the clock in another order than they are counted in: a minute that has begun a little later
    # is the same one. One that begins further ahead is from before the clock was set back.
    latest = now + WINDOW_MILLISECONDS
    counted = {"token": caller.token_id, "now": now, "oldest": now - WINDOW_MILLISECONDS + 1, "latest": latest}
    started, requests = session.connection().execute(_COUNT_REQUEST, counted).one()
    if requests > limit:
        wait = -(-(started + WINDOW_MILLISECONDS - now) // 1000)
        raise OperationError(
            Code.RATE_LIMITED,
            f"More than {limit} requests in a minute: try again in {wait} seconds.",
            retry_after=wait,
        )
    return limit - requests


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
