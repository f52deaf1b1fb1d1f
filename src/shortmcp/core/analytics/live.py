"""Single clicks as they come in, for whoever watches a workspace: as the list of clicks shows them, one JSON each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, bindparam, text

from shortmcp.core.analytics.clicks import Campaign
from shortmcp.core.fields import OutgoingMoment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINKS = text("SELECT id, workspace_id, domain, short_code FROM links WHERE id IN :wanted")


class ClickShown(BaseModel):
    """One click that was counted just now, and the link that it came by; no address, and no visitor's hash."""

    short_code: str
    domain: str
    clicked_at: OutgoingMoment
    country: str
    device: str
    os: str
    browser: str
    language: str
    referrer: str
    utm_source: Campaign
    utm_medium: Campaign
    utm_campaign: Campaign
    utm_term: Campaign
    utm_content: Campaign
    is_bot: bool


def show_clicks(connection: Connection, clicks: Sequence[Mapping[str, Any]]) -> list[tuple[int, bytes]]:
    """Clicks, given by the fields of `Click`, as (workspace's id, JSON); links that were deleted meanwhile are out."""
    wanted = sorted({click["link_id"] for click in clicks})
    query = _LINKS.bindparams(bindparam("wanted", expanding=True))
    links = {row.id: row for row in connection.execute(query, {"wanted": wanted})}
    return [
        (link.workspace_id, _show(click, link.short_code, link.domain))
        for click in clicks
        if (link := links.get(click["link_id"])) is not None
    ]


def _show(click: Mapping[str, Any], code: str, domain: str) -> bytes:
    moment = _EPOCH + timedelta(milliseconds=click["at"])
    values = {name: value or None if name.startswith("utm_") else value for name, value in click.items()}
    own = {"short_code": code, "domain": domain, "clicked_at": moment, "is_bot": click["bot"]}
    return ClickShown.model_validate(values | own).model_dump_json().encode()
