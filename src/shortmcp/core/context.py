"""What an operation is handed: a transaction, the caller, the clock, chance and the site it serves."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random, SystemRandom
from typing import Protocol
from urllib.parse import urlsplit

from sqlmodel import Session

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.plans import Plan


class Scope(StrEnum):
    """What a token may do; also what an operation asks for. The values are those that a token is created with."""

    READ = "read"
    WRITE = "read_write"


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf an operation runs: one token of one workspace."""

    workspace_id: int
    token_id: int
    scope: Scope
    plan: Plan

    def require(self, scope: Scope, operation: str) -> None:
        """Refuse a write to a read-only token."""
        if scope is Scope.WRITE and self.scope is not Scope.WRITE:
            raise OperationError(
                Code.FORBIDDEN,
                f"This token is read-only and `{operation}` changes data: use a read & write token of the workspace.",
            )


# Whoever runs the instance, on its own command line.
OPERATOR = Caller(workspace_id=0, token_id=0, scope=Scope.WRITE, plan=Plan())


# Whoever follows links or looks at what is public of them: of no workspace.
VISITOR = Caller(workspace_id=0, token_id=0, scope=Scope.READ, plan=Plan())


# Whoever opens a secret at its short URL: of no workspace either, but what they read is used up.
RECIPIENT = Caller(workspace_id=0, token_id=0, scope=Scope.WRITE, plan=Plan())


def _no_key(purpose: str) -> bytes:
    raise LookupError(f"This site was made without a key, and one is needed for {purpose}.")


@dataclass(frozen=True, slots=True)
class Site:
    """Where this instance is reached and what it sells.

    `base_url` has no trailing slash. `own_origins` are the (host, port) pairs that lead back here; no link may.
    `domains` are the short domains beside the base URL's: base URL by host, as browsers send it. `key` gives the
    instance's key for one purpose.
    """

    base_url: str
    own_origins: frozenset[tuple[str, int]]
    plans: Mapping[str, Plan]
    domains: Mapping[str, str] = field(default_factory=dict[str, str])
    key: Callable[[str], bytes] = _no_key

    @property
    def host(self) -> str:
        """The host of the base URL, with its port where it has one."""
        return urlsplit(self.base_url).netloc

    def short_url(self, code: str, domain: str = "") -> str:
        """The address that visitors follow; made from the settings alone, never from a request."""
        # A domain that the settings no longer name is reached, if at all, where its name says.
        return f"{self.domains.get(domain, f'https://{domain}') if domain else self.base_url}/{code}"


class CallCounts(Protocol):
    """API calls that were counted in this process and are not in the database yet."""

    def pending(self, token_id: int, month: str) -> int:
        """How many calls of `token_id` in `month` (YYYY-MM) still wait to be written."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's surroundings, valid for one transaction. `now` is aware and in UTC.

    `expected` are tags of which the thing to be changed must have one; None where any version will do.
    """

    session: Session
    caller: Caller
    now: datetime
    site: Site
    calls: CallCounts
    random: Random = field(default_factory=SystemRandom)
    changed_codes: set[str] = field(default_factory=set[str])
    expected: frozenset[str] | None = None


class Work(Protocol):
    """Opens transactions; only an implementation of this commits."""

    @property
    def doors(self) -> Doorkeeper:
        """Who checks passwords, in transactions of its own: none of this one's may be open meanwhile."""
        ...

    def begin(self, caller: Caller, scope: Scope, *, erases: bool = False) -> AbstractContextManager[Context]:
        """One transaction, on the read engine for READ and on the write engine for WRITE; rolled back on error.

        With `erases` it survives a power cut once it has returned, and what it deleted is then in no file any more.
        """
        ...
