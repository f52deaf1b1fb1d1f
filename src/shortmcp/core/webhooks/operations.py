"""The operations on webhooks."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, func, text
from sqlmodel import col, select

from shortmcp.core.context import Context
from shortmcp.core.errors import OperationError, invalid
from shortmcp.core.events.announcing import Event
from shortmcp.core.events.tables import DeletedWebhook, Webhook
from shortmcp.core.limits import check_webhook_limit
from shortmcp.core.lists import Page
from shortmcp.core.paging import page_newest_first
from shortmcp.core.versions import check_version
from shortmcp.core.webhooks.challenges import send_challenge
from shortmcp.core.webhooks.finding import Reason, find_webhook, read_id, switch_off
from shortmcp.core.webhooks.models import (
    NewSecret,
    WebhookCreate,
    WebhookCreated,
    WebhookList,
    WebhookPublic,
    WebhookRef,
    WebhookUpdate,
)
from shortmcp.core.webhooks.rules import checked_link, checked_project, checked_url
from shortmcp.core.webhooks.signing import PURPOSE, make_salt, make_secret

OLD_SECRET_SIGNS: Final = timedelta(hours=24)
# What cannot be empty: null is refused, for leaving the field out keeps it.
_REQUIRED = ("url", "event_types", "is_active")


def create_webhook(ctx: Context, new: WebhookCreate) -> WebhookCreated:
    """Have an https URL told of events by signed POSTs. Returns the webhook with its `secret`, shown only now.

    Refuses one webhook more than the plan allows. test_webhook sends a sample.
    """
    url = checked_url(ctx, new.url)
    check_webhook_limit(ctx, lambda: _count(ctx))
    webhook = Webhook(
        workspace_id=ctx.caller.workspace_id,
        url=url,
        event_types=_join(new.event_types),
        project_id=checked_project(ctx, new.project),
        link_id=checked_link(ctx, new.link, new.domain),
        salt=make_salt(),
        is_active=not new.verify,
        disabled_reason=Reason.UNVERIFIED.value if new.verify else None,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.session.add(webhook)
    ctx.session.flush()
    if new.verify:
        send_challenge(ctx, webhook)
    return WebhookCreated(**dict(public_webhook(webhook)), secret=make_secret(ctx.site.key(PURPOSE), webhook.salt))


def list_webhooks(ctx: Context, query: WebhookList) -> Page[WebhookPublic]:
    """List the workspace's webhooks, newest first; `url` and `event` filter them. Secrets are never among it."""
    mine = [col(Webhook.workspace_id) == ctx.caller.workspace_id]
    if query.url is not None:
        mine.append(col(Webhook.url).in_({query.url, _as_stored(ctx, query.url)}))
    if query.event is not None:
        mine.append(col(Webhook.event_types).contains(f" {query.event.value} ", autoescape=True))
    return page_newest_first(ctx, query, Webhook, and_(*mine), public_webhook)


def get_webhook(ctx: Context, ref: WebhookRef) -> WebhookPublic:
    """Show one webhook, and why it is off where it is. Use list_webhook_deliveries for what it was sent."""
    return public_webhook(find_webhook(ctx, ref.webhook))


def update_webhook(ctx: Context, change: WebhookUpdate) -> WebhookPublic:
    """Change a webhook's URL, events or filters, or switch it on or off. What waits for one that is off is given up."""
    webhook = find_webhook(ctx, change.webhook, hold=True)
    check_version(ctx, lambda: public_webhook(webhook))
    given = change.model_dump(exclude_unset=True, exclude={"webhook"})
    for field in _REQUIRED:
        if field in given and given[field] is None:
            raise invalid(field, f"`{field}` cannot be empty: leave it out to keep it.")
    if given:
        webhook.sqlmodel_update({**_checked(ctx, change, given), "updated_at": ctx.now})
        ctx.session.add(webhook)
        ctx.session.flush()
    if given.get("is_active") is False:
        switch_off(ctx.session.connection(), webhook.id or 0, Reason.BY_HAND, ctx.now)
        ctx.session.refresh(webhook)
    return public_webhook(webhook)


def delete_webhook(ctx: Context, ref: WebhookRef) -> None:
    """Delete a webhook; nothing more is sent to it. Deleting it again is no error."""
    number = read_id(ref.webhook)
    gone = ctx.session.get(DeletedWebhook, number)
    if gone is not None and gone.workspace_id == ctx.caller.workspace_id:
        return
    webhook = find_webhook(ctx, ref.webhook, hold=True)
    check_version(ctx, lambda: public_webhook(webhook))
    ctx.session.connection().execute(text("DELETE FROM webhook_deliveries WHERE webhook_id = :id"), {"id": number})
    ctx.session.add(DeletedWebhook(id=number, workspace_id=webhook.workspace_id))
    ctx.session.delete(webhook)


def rotate_webhook_secret(ctx: Context, ref: WebhookRef) -> NewSecret:
    """Give a webhook a new secret, shown only now. For 24 hours the old one signs beside it."""
    webhook = find_webhook(ctx, ref.webhook, hold=True)
    until = ctx.now + OLD_SECRET_SIGNS
    webhook.sqlmodel_update(
        {"salt": make_salt(), "old_salt": webhook.salt, "old_salt_until": until, "updated_at": ctx.now}
    )
    ctx.session.add(webhook)
    return NewSecret(secret=make_secret(ctx.site.key(PURPOSE), webhook.salt), old_secret_until=until)


def public_webhook(webhook: Webhook) -> WebhookPublic:
    """`webhook` as its workspace sees it."""
    shown = webhook.model_dump(exclude={"workspace_id", "salt", "old_salt", "old_salt_until", "event_types"})
    return WebhookPublic(**shown, event_types=webhook.event_types.split())


def _checked(ctx: Context, change: WebhookUpdate, given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if change.url is not None:
        # How the endpoint before it did says nothing about this one.
        fields |= {"url": checked_url(ctx, change.url), "failing_since": None}
    if change.event_types is not None:
        fields["event_types"] = _join(change.event_types)
    if "project" in given:
        fields["project_id"] = checked_project(ctx, change.project)
    link_id = checked_link(ctx, change.link, change.domain)
    if "link" in given:
        fields["link_id"] = link_id
    if change.is_active:
        fields |= {"is_active": True, "disabled_reason": None, "failing_since": None}
    return fields


def _count(ctx: Context) -> int:
    mine = col(Webhook.workspace_id) == ctx.caller.workspace_id
    return ctx.session.exec(select(func.count()).select_from(Webhook).where(mine)).one()


def _join(events: list[Event]) -> str:
    return f" {' '.join(event.value for event in events)} "


def _as_stored(ctx: Context, url: str) -> str:
    try:
        return checked_url(ctx, url)
    except OperationError:
        # Not a URL that any webhook can have: as it stands it matches none.
        return url
