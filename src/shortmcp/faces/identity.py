"""Who calls: the bearer token of a request, what its plan admits, and the counting of its calls."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from sqlmodel import Session

from shortmcp.core.context import Caller, Site
from shortmcp.core.limits import Minute, check_request
from shortmcp.core.tokens import authenticate
from shortmcp.core.usage import Meter, check_monthly_calls, month_of
from shortmcp.faces.callers import KnownCallers

# What the headers say where a plan has no limit: clients read a number there.
NO_LIMIT = 2**31 - 1
Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a token may still ask for in this minute."""

    limit: int
    remaining: int

    def headers(self) -> dict[str, str]:
        """The rate limit's headers; every answer carries them."""
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining)}


# Without a token nothing may be asked for.
NOTHING = Allowance(limit=0, remaining=0)


@dataclass(frozen=True)
class Gate:
    """Lets callers in: those that are `known`, or found by a read; `count` counts requests where a plan limits them.

    It is given a token's id and the moment in unix milliseconds.
    """

    read: Transaction
    count: Callable[[int, int], Minute]
    site: Site
    meter: Meter
    known: KnownCallers
    clock: Callable[[], datetime]

    def identify(self, authorization: list[str]) -> Caller:
        """Whose token the `Authorization` header (all that were sent) holds."""
        return self.known.find(_read_token(authorization), self._authenticate)

    def recall(self, authorization: list[str]) -> Caller | None:
        """`identify` of whoever is remembered, without a wait; None for everybody else."""
        return self.known.recall(_read_token(authorization))

    def admit(self, caller: Caller) -> Allowance:
        """Count one call of `caller`; RATE_LIMITED past the plan's limits."""
        now, limit = self.clock(), caller.plan.requests_per_minute
        allowance = Allowance(NO_LIMIT, NO_LIMIT) if limit is None else Allowance(limit, self._count(caller, now))
        if caller.plan.calls_per_month is not None:
            with self.read() as connection, Session(connection) as session:
                pending = self.meter.pending(caller.token_id, month_of(now))
                check_monthly_calls(session, caller, pending, now)
        self.meter.count(caller.token_id, month_of(now))
        return allowance

    def _authenticate(self, presented: str) -> Caller:
        with self.read() as connection:
            return authenticate(connection, self.site, presented)

    def _count(self, caller: Caller, now: datetime) -> int:
        return check_request(caller, self.count(caller.token_id, int(now.timestamp() * 1000)))


def _read_token(authorization: list[str]) -> str:
    scheme, _, presented = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    return presented.strip() if scheme.lower() == "bearer" else ""


def exhausted(caller: Caller | None) -> Allowance:
    """The allowance to show beside a refusal by the gate."""
    limit = None if caller is None else caller.plan.requests_per_minute
    return NOTHING if caller is None else Allowance(NO_LIMIT if limit is None else limit, 0)
