"""Finding a webhook of the caller's workspace, and switching one off."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlmodel import select

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.events.tables import Webhook
from shortmcp.core.fields import MAX_ID, to_microseconds


class Reason(StrEnum):
    """Why a webhook is off."""

    UNVERIFIED = "unverified"
    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


def find_webhook(ctx: Context, reference: str, *, hold: bool = False) -> Webhook:
    """The caller's webhook with that id, or NOT_FOUND; `hold` it until the transaction ends."""
    number = read_id(reference)
    mine = select(Webhook).where(Webhook.workspace_id == ctx.caller.workspace_id, Webhook.id == number)
    # On PostgreSQL others write meanwhile; SQLite has one writer and no such clause.
    webhook = ctx.session.exec(mine.with_for_update() if hold else mine).first()
    if webhook is None:
        raise no_webhook()
    return webhook


def read_id(reference: str) -> int:
    """The number that a reference is, 0 for what is none."""
    is_number = reference.isascii() and reference.isdigit() and len(reference) <= len(str(MAX_ID))
    return int(reference) if is_number and int(reference) <= MAX_ID else 0


def no_webhook() -> OperationError:
    """The refusal where there is none."""
    return OperationError(
        Code.NOT_FOUND, "There is no such webhook in this workspace.", hint="list_webhooks shows them all."
    )


def switch_off(connection: Connection, webhook_id: int, reason: Reason, now: datetime) -> None:
    """Switch a webhook off, which must be held by now: what waits for it has failed, and may be retried by hand."""
    values = {"id": webhook_id, "reason": reason.value, "now": to_microseconds(now)}
    connection.execute(_SWITCH_OFF, values)
    connection.execute(_FAIL_WAITING, values)


_SWITCH_OFF = text(
    "UPDATE webhooks SET is_active = false, disabled_reason = :reason, failing_since = NULL, updated_at = :now "
    "WHERE id = :id"
)
_FAIL_WAITING = text(
    "UPDATE webhook_deliveries SET state = 'failed', error = 'The webhook was switched off.' "
    "WHERE webhook_id = :id AND state = 'queued' AND NOT is_test"
)
