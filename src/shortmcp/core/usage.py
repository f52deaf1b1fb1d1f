"""How much a token has called this month and how much of the plan the workspace uses."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, text
from sqlmodel import Field, Session, SQLModel

from shortmcp.core.codes import count_codes
from shortmcp.core.context import Caller, Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.fields import OutgoingMoment
from shortmcp.core.projects import count_projects

CallKey = tuple[int, str]


class ApiCalls(SQLModel, table=True):
    """Calls of one token in one month (YYYY-MM, UTC), both faces together."""

    __tablename__ = "api_calls"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    token_id: int = Field(primary_key=True)
    month: str = Field(primary_key=True)
    calls: int = Field(sa_type=BigInteger)


class Meter:
    """Counts calls in memory; they are written once a second, so that a call costs no write.

    A crash loses the calls since the last write, about one second's.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls = Counter[CallKey]()
        self._taken = Counter[CallKey]()

    def count(self, token_id: int, month: str) -> None:
        """Count one call of a token in a month."""
        with self._lock:
            self._calls[token_id, month] += 1

    def pending(self, token_id: int, month: str) -> int:
        """Calls that are not in the database yet."""
        with self._lock:
            return self._calls[token_id, month] + self._taken[token_id, month]

    @contextmanager
    def writing(self) -> Generator[dict[CallKey, int]]:
        """All calls so far, to be written inside; they stay pending until then, and where it fails."""
        with self._lock:
            self._taken, self._calls = self._calls, Counter[CallKey]()
        try:
            yield dict(self._taken)
        except BaseException:
            with self._lock:
                self._calls += self._taken
            raise
        finally:
            with self._lock:
                self._taken = Counter[CallKey]()


class NoInput(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid")


class Quota(BaseModel):
    """How many there are, and how many the plan allows (null: no limit)."""

    used: int
    limit: int | None


class UsagePublic(BaseModel):
    """This token's calls in this calendar month (UTC), and the workspace's use of its plan."""

    calls_this_month: int
    limit: Annotated[int | None, Field(description="Calls a month; null for no limit.")]
    remaining: int | None
    resets_at: OutgoingMoment
    plan: str
    projects: Quota
    links: Quota


def get_usage(ctx: Context, query: NoInput) -> UsagePublic:
    """Show this token's API calls this month against the plan's limit, and the workspace's projects and links."""
    month, plan = month_of(ctx.now), ctx.caller.plan
    calls = calls_of(ctx.session, ctx.caller.token_id, month) + ctx.calls.pending(ctx.caller.token_id, month)
    return UsagePublic(
        calls_this_month=calls,
        limit=plan.calls_per_month,
        remaining=None if plan.calls_per_month is None else max(plan.calls_per_month - calls, 0),
        resets_at=next_month(ctx.now),
        plan=plan.name,
        projects=Quota(used=count_projects(ctx), limit=plan.projects),
        links=Quota(used=count_codes(ctx), limit=plan.links),
    )


def check_monthly_calls(session: Session, caller: Caller, pending: int, now: datetime) -> None:
    """Refuse a call past the plan's number a month; `pending` calls are counted and not written yet."""
    limit = caller.plan.calls_per_month
    if limit is not None and calls_of(session, caller.token_id, month_of(now)) + pending >= limit:
        reset = next_month(now)
        raise OperationError(
            Code.RATE_LIMITED,
            f"The plan's {limit} API calls of this month are used up: they reset on {reset:%Y-%m-%d} (UTC).",
            retry_after=int((reset - now).total_seconds()) + 1,
        )


def write_calls(session: Session, calls: dict[tuple[int, str], int]) -> None:
    """Add counted calls to the database."""
    for (token_id, month), number in calls.items():
        session.connection().execute(
            text(
                "INSERT INTO api_calls (token_id, month, calls) VALUES (:token, :month, :calls) "
                "ON CONFLICT (token_id, month) DO UPDATE SET calls = api_calls.calls + excluded.calls"
            ),
            {"token": token_id, "month": month, "calls": number},
        )


def calls_of(session: Session, token_id: int, month: str) -> int:
    """Calls of a token in a month that are in the database."""
    query = text("SELECT calls FROM api_calls WHERE token_id = :token AND month = :month")
    return session.connection().execute(query, {"token": token_id, "month": month}).scalar() or 0


def month_of(moment: datetime) -> str:
    """The calendar month in UTC, as YYYY-MM."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def next_month(moment: datetime) -> datetime:
    """When the next calendar month begins in UTC."""
    year, month = divmod(moment.year * 12 + moment.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
