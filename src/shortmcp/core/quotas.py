"""Telling owners that their plan runs out: at 80 % and at 100 % of a limit, each once in a calendar month (UTC)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlmodel import Field, SQLModel

from shortmcp.core.mails import Letter, mail_owner
from shortmcp.core.plans import Plan

NEARLY, ALL = 80, 100


class QuotaMail(SQLModel, table=True):
    """How much of a limit an owner was last told of, in percent, and in which month (YYYY-MM)."""

    __tablename__ = "quota_mails"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    workspace_id: int = Field(primary_key=True)
    quota: str = Field(primary_key=True)
    month: str
    percent: int


@dataclass(frozen=True)
class Use:
    """How much of a limit is used. `quota` names the limit in the workspace, `things` what it counts.

    `consequence` is what happens when all is used, and what can be done.
    """

    quota: str
    things: str
    used: int
    limit: int
    consequence: str

    @property
    def percent(self) -> int:
        """What an owner is to be told: 80, 100, or 0 for nothing."""
        if self.used >= self.limit:
            return ALL
        return NEARLY if self.used * 100 >= self.limit * NEARLY else 0


def tell_of_use(connection: Connection, workspace_id: int, plan: Plan, use: Use, now: datetime) -> None:
    """Mail the owner of a workspace where a limit is nearly or fully used and this month's mail was not sent yet.

    To be called by one transaction at a time for each limit: the caller holds what it counts.
    """
    if not use.percent or use.percent <= _told(connection, workspace_id, use.quota, f"{now:%Y-%m}"):
        return
    if mail_owner(connection, workspace_id, _letter(plan, use), now):
        row = {"workspace": workspace_id, "quota": use.quota, "month": f"{now:%Y-%m}", "percent": use.percent}
        connection.execute(_NOTE, row)


def tell_of_calls(connection: Connection, plans: Mapping[str, Plan], token_ids: set[int], now: datetime) -> None:
    """Mail the owners whose tokens, whose calls this transaction has counted, are near their limit of this month."""
    for token_id in sorted(token_ids):
        row = connection.execute(_CALLS, {"token": token_id, "month": f"{now:%Y-%m}"}).first()
        plan = None if row is None else plans.get(row.plan)
        if row is None or plan is None or plan.calls_per_month is None:
            continue
        consequence = f"When all are used, the API refuses the token {row.name} until the next month begins."
        use = Use(f"calls:{token_id}", "API calls of this month", row.calls, plan.calls_per_month, consequence)
        tell_of_use(connection, row.workspace_id, plan, use, now)


def _told(connection: Connection, workspace_id: int, quota: str, month: str) -> int:
    values = {"workspace": workspace_id, "quota": quota, "month": month}
    return connection.execute(_TOLD, values).scalar() or 0


def _letter(plan: Plan, use: Use) -> Letter:
    share = "All" if use.percent == ALL else f"{NEARLY} % of the"
    return Letter(
        f"{share} {use.things} of your plan are used",
        (
            f"{use.used:,} of the {use.limit:,} {use.things} that the plan {plan.name} allows are used.",
            use.consequence,
            "You get this once a month for each limit, and links that exist go on working.",
        ),
    )


_TOLD = text("SELECT percent FROM quota_mails WHERE workspace_id = :workspace AND quota = :quota AND month = :month")
_NOTE = text(
    "INSERT INTO quota_mails (workspace_id, quota, month, percent) VALUES (:workspace, :quota, :month, :percent) "
    "ON CONFLICT (workspace_id, quota) DO UPDATE SET month = excluded.month, percent = excluded.percent"
)
_CALLS = text(
    "SELECT t.workspace_id, t.name, w.plan, c.calls FROM api_calls c JOIN tokens t ON t.id = c.token_id "
    "JOIN workspaces w ON w.id = t.workspace_id WHERE c.token_id = :token AND c.month = :month"
)
