"""Safe retries: what an operation answered under a caller's key, kept for a day beside what it did."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, text
from sqlmodel import Field, Session, SQLModel

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.fields import Moment, to_microseconds

KEY_FIELD = "idempotency_key"
MAX_KEY = 255
KEPT = timedelta(hours=24)
STEP = 1000


class KeptAnswer(SQLModel, table=True):
    """What one token's request was answered.

    `key` is a digest of the token's key and `request` a fingerprint of the operation and its input made with that key
    and the instance's, so that a copy of the table tells nobody what was sent, however little there was to guess.
    `answer` is the output as JSON; null where it is not kept.
    """

    __tablename__ = "kept_answers"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    token_id: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request: str
    answer: str | None = None
    kept_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request under a key; equal for the same request, tried again."""

    key: str
    request: str


def make_attempt(key: Any, operation: str, raw: Mapping[str, Any]) -> Attempt:
    """The attempt to run `operation` with the input `raw` under `key`; INVALID for what is no key."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY or not (key.isascii() and key.isprintable()):
        raise invalid(
            KEY_FIELD, f"`{KEY_FIELD}` must be text of 1 to {MAX_KEY} printable ASCII characters, such as a UUID."
        )
    # The standard library's, because this one writes every number and text that a caller may have sent.
    request = json.dumps([operation, dict(raw)], sort_keys=True).encode()
    digest = hashlib.sha256(key.encode()).hexdigest()
    return Attempt(digest, hmac.new(key.encode(), request, hashlib.sha256).hexdigest())


def find_answer(ctx: Context, attempt: Attempt) -> KeptAnswer | None:
    """What the same attempt was answered within the last day; None where it is the first.

    CONFLICT with `retry_after` while the first one still runs, INVALID where the key was used for another request.
    """
    _hold(ctx, attempt)
    kept = ctx.session.get(KeptAnswer, (ctx.caller.token_id, attempt.key))
    if kept is None or kept.kept_at <= ctx.now - KEPT:
        return None
    if kept.request != _veil(ctx, attempt):
        raise invalid(
            KEY_FIELD, f"`{KEY_FIELD}` was used for another request before: give each request a key of its own."
        )
    return kept


def keep_answer(ctx: Context, attempt: Attempt, answer: str | None) -> None:
    """Keep what the attempt is answered, in the transaction that does it."""
    ctx.session.merge(
        KeptAnswer(
            token_id=ctx.caller.token_id, key=attempt.key, request=_veil(ctx, attempt), answer=answer, kept_at=ctx.now
        )
    )


def forget_answers(session: Session, now: datetime) -> int:
    """Delete some of the answers whose day is over; returns how many went, 0 when none is left."""
    old = "SELECT token_id, key FROM kept_answers WHERE kept_at <= :before ORDER BY kept_at LIMIT :step"
    return (
        session.connection()
        .execute(
            text(f"DELETE FROM kept_answers WHERE (token_id, key) IN ({old})"),  # noqa: S608 - the query above
            {"before": to_microseconds(now - KEPT), "step": STEP},
        )
        .rowcount
    )


def not_kept() -> OperationError:
    """The refusal of a retry whose request was done and whose answer is not there to be given again."""
    return OperationError(
        Code.CONFLICT,
        f"This was done before under the same `{KEY_FIELD}`, and its answer is not kept: look up what it made.",
    )


def _veil(ctx: Context, attempt: Attempt) -> str:
    return hmac.new(ctx.site.key("retries"), attempt.request.encode(), hashlib.sha256).hexdigest()


def _hold(ctx: Context, attempt: Attempt) -> None:
    # SQLite has one writer. PostgreSQL would let the second one wait for the first: it is told instead.
    if ctx.session.get_bind().dialect.name != "postgresql":
        return
    # Locks of two numbers are apart from those of one.
    name = hashlib.sha256(f"{ctx.caller.token_id} {attempt.key}".encode()).digest()
    numbers = {half: int.from_bytes(name[at : at + 4], signed=True) for half, at in (("high", 0), ("low", 4))}
    query = text("SELECT pg_try_advisory_xact_lock(CAST(:high AS integer), CAST(:low AS integer))")
    if not ctx.session.connection().execute(query, numbers).scalar_one():
        raise OperationError(
            Code.CONFLICT,
            f"A request under this `{KEY_FIELD}` is still running: try again in a second.",
            retry_after=1,
        )
