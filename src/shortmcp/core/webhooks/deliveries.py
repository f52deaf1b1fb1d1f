"""The operations on deliveries: send a sample, see what was sent, send it again."""

from typing import Any

from sqlalchemy import RowMapping, func, text
from sqlmodel import col, select

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.events.announcing import Event, Told, write_events
from shortmcp.core.events.tables import DeliveryState, WebhookDelivery
from shortmcp.core.fields import Moment, to_microseconds
from shortmcp.core.lists import Page, make_page
from shortmcp.core.webhooks.finding import find_webhook
from shortmcp.core.webhooks.models import DeliveryList, DeliveryPublic, DeliveryRef, WebhookTest
from shortmcp.core.webhooks.samples import sample_data

_STATUS = {"queued": "pending", "running": "pending", "succeeded": "succeeded", "failed": "failed"}
_MAX_ID = 2**63 - 1


def test_webhook(ctx: Context, ref: WebhookTest) -> DeliveryPublic:
    """Send a webhook a sample of an event, signed like a real one, also while it is off. Returns the pending delivery.

    list_webhook_deliveries shows what came of it.
    """
    webhook = find_webhook(ctx, ref.webhook, hold=True)
    event = ref.event or Event(webhook.event_types.split()[0])
    told = Told(event.value, sample_data(event, ctx.now), [webhook.id or 0], is_test=True)
    [event_id] = write_events(ctx.session.connection(), [told], ctx.now)
    shown = _read(ctx, webhook.id or 0, "d.event_id = :event", {"event": event_id})
    return _public(shown[0])


def list_webhook_deliveries(ctx: Context, query: DeliveryList) -> Page[DeliveryPublic]:
    """List what a webhook was sent in the last seven days, newest first: status, attempts, and when it is tried next.

    What endpoints answer is not kept, but for the HTTP status.
    """
    webhook_id, after = find_webhook(ctx, query.webhook).id or 0, query.after()
    count = select(func.count()).select_from(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook_id)
    total = after.total if after else ctx.session.exec(count).one()
    values = {"last": after.last if after else _MAX_ID, "limit": query.per_page + 1, "offset": query.offset}
    part = "d.id < :last ORDER BY d.id DESC LIMIT :limit OFFSET :offset"
    rows = _read(ctx, webhook_id, part, {**values, "offset": 0 if after else query.offset})
    last = rows[query.per_page - 1]["id"] if len(rows) > query.per_page else None
    return make_page([_public(row) for row in rows], last, total, query)


def retry_webhook_delivery(ctx: Context, ref: DeliveryRef) -> DeliveryPublic:
    """Send a delivery once more: at once, with the same `webhook-id`, and with all its attempts anew."""
    webhook = find_webhook(ctx, ref.webhook, hold=True)
    named = {"id": _read_id(ref.delivery), "now": to_microseconds(ctx.now)}
    found = _read(ctx, webhook.id or 0, "d.id = :id", named)
    if not found:
        raise OperationError(
            Code.NOT_FOUND, "There is no such delivery of this webhook.", hint="list_webhook_deliveries shows them all."
        )
    if not webhook.is_active and not found[0]["is_test"]:
        raise OperationError(Code.CONFLICT, "The webhook is off: switch it on with update_webhook first.")
    ctx.session.connection().execute(_RETRY, named)
    return _public(_read(ctx, webhook.id or 0, "d.id = :id", named)[0])


def _read(ctx: Context, webhook_id: int, part: str, values: dict[str, Any]) -> list[RowMapping]:
    # `part` is one of the words above, never text from outside.
    query = text(_DELIVERIES + part).columns(run_at=Moment, attempted_at=Moment, created_at=Moment)
    return list(ctx.session.connection().execute(query, {**values, "webhook": webhook_id}).mappings())


def _public(row: RowMapping) -> DeliveryPublic:
    waits = row["state"] == DeliveryState.QUEUED
    return DeliveryPublic.model_validate(
        {
            **{name: row[name] for name in ("id", "event_id", "event", "attempts", "response_status", "error")},
            "is_test": bool(row["is_test"]),
            "status": _STATUS[row["state"]],
            "attempted_at": row["attempted_at"],
            "next_attempt_at": row["run_at"] if waits else None,
            "created_at": row["created_at"],
        }
    )


def _read_id(reference: str) -> int:
    is_number = reference.isascii() and reference.isdigit() and len(reference) <= len(str(_MAX_ID))
    return min(int(reference), _MAX_ID) if is_number else 0


_DELIVERIES = (
    "SELECT d.id, d.event_id, e.type AS event, d.is_test, d.state, d.run_at, d.attempts, d.response_status, d.error, "
    "d.attempted_at, d.created_at FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event_id "
    "WHERE d.webhook_id = :webhook AND "
)
# One that is being sent at this moment is left alone: it is what was asked for.
_RETRY = text(
    "UPDATE webhook_deliveries SET state = 'queued', attempts = 0, error = NULL, run_at = :now "
    "WHERE id = :id AND state <> 'running'"
)
