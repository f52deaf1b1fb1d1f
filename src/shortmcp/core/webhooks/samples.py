"""What deliveries look like, event by event: for those who write the endpoint, and for test deliveries."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shortmcp.core.analytics.clicks import ClickPublic
from shortmcp.core.context import Context
from shortmcp.core.events.announcing import Event
from shortmcp.core.links.models import LinkPublic
from shortmcp.core.pastes.models import PastePublic
from shortmcp.core.secrets.models import SecretPublic
from shortmcp.core.webhooks.models import SamplePublic, SampleRef

_URL = "https://example.com/page"
_MOMENT = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)


def get_webhook_sample(ctx: Context, ref: SampleRef) -> SamplePublic:
    """Show the body of an event's deliveries, filled with samples."""
    return SamplePublic(type=ref.event, timestamp=_MOMENT, data=dict(sample_data(ref.event, _MOMENT)))


def sample_data(event: Event, now: datetime) -> Mapping[str, Any]:
    """What stands under `data`."""
    link = {"link": _link(now).model_dump(mode="json")}
    match event:
        case Event.LINK_CLICKED:
            return {"click": _click(now).model_dump(mode="json"), "link": clicked_link(link["link"])}
        case Event.LINK_EXPIRED:
            return {**link, "reason": "expires_at"}
        case Event.PASTE_CREATED:
            return {"paste": _paste(now).model_dump(mode="json")}
        case Event.SECRET_REVEALED:
            return {"secret": _secret(now).model_dump(mode="json")}
        case _:
            return link


def clicked_link(link: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a click's event says of its link."""
    shown = ("id", "project_id", "short_code", "domain", "short_url", "original_url", "title")
    return {name: link[name] for name in shown}


def _click(now: datetime) -> ClickPublic:
    return ClickPublic(
        id=0,
        clicked_at=now,
        country="AT",
        device="mobile",
        os="ios",
        browser="safari",
        language="de",
        referrer="https://news.example",
        utm_source="newsletter",
        utm_medium="email",
        utm_campaign="spring",
        utm_term=None,
        utm_content=None,
        is_bot=False,
    )


def _link(now: datetime) -> LinkPublic:
    fields: dict[str, Any] = dict.fromkeys(LinkPublic.model_fields)
    flags = ("has_password", "mask", "notify_on_mask_break", "analytics_public", "forward_query")
    fields |= dict.fromkeys(flags, False)
    fields |= {"id": 0, "project_id": 0, "short_code": "example", "domain": "go.example", "title": "A sample"}
    fields |= {"short_url": "https://go.example/example", "original_url": _URL, "safety": "safe", "clicks_count": 1}
    fields |= {"is_active": True, "is_effectively_active": True, "created_at": now, "updated_at": now}
    return LinkPublic.model_validate(fields)


def _paste(now: datetime) -> PastePublic:
    return PastePublic(
        id=0,
        paste_code="example1",
        paste_url="https://go.example/paste/example1",
        title="A sample",
        language="text",
        content_length=12,
        views=0,
        expiry_date=None,
        has_password=False,
        is_private=False,
        created_at=now,
    )


def _secret(now: datetime) -> SecretPublic:
    return SecretPublic(
        slug="example",
        short_url="https://go.example/example",
        max_uses=1,
        remaining_uses=0,
        is_active=False,
        has_passphrase=False,
        client_encrypted=False,
        expires_at=None,
        last_revealed_at=now,
        created_at=now,
    )
