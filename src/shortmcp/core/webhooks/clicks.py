"""Telling webhooks of clicks, in the transaction that counts them.

A link with many clicks at once has them told of together, so that a storm on it makes few deliveries.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, text

from shortmcp.core.analytics.clicks import ClickPublic
from shortmcp.core.context import Site
from shortmcp.core.events.announcing import Event, Listener, Place, Told, find_listeners, write_events
from shortmcp.core.webhooks.samples import clicked_link

# Clicks are counted five times a second: a link with more than a hundred a second is told of in batches.
MOST_ALONE: Final = 20
MOST_TOGETHER: Final = 500
_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Click = Mapping[str, Any]


@dataclass(frozen=True)
class ClickAudience:
    """The webhooks that want clicks; see `clicks.ingest.Audience`."""

    site: Site
    clock: Callable[[], datetime]

    def choose(self, connection: Connection, link_ids: Collection[int]) -> Collection[int]:
        """Those of the links whose clicks some webhook wants."""
        # Nobody wants any, mostly: that costs this one question.
        if connection.execute(_ANYBODY, {"event": f"% {Event.LINK_CLICKED} %"}).first() is None:
            return frozenset()
        return frozenset(link_id for link_id, (_, ids) in _find(connection, link_ids).items() if ids)

    def tell(self, connection: Connection, clicks: Sequence[Click]) -> None:
        """Write the events of these clicks."""
        by_link: defaultdict[int, list[Click]] = defaultdict(list)
        for click in clicks:
            by_link[click["link_id"]].append(click)
        found, told = _find(connection, by_link.keys()), list[Told]()
        for link_id, (link, webhook_ids) in found.items():
            shown = self._show(link)
            told += [
                Told(Event.LINK_CLICKED, {**part, "link": shown}, webhook_ids) for part in _parts(by_link[link_id])
            ]
        write_events(connection, told, self.clock())

    def _show(self, link: Mapping[str, Any]) -> Mapping[str, Any]:
        addresses = {
            "domain": link["domain"] or self.site.host,
            "short_url": self.site.short_url(link["short_code"], link["domain"]),
        }
        return clicked_link({**link, **addresses})


def _parts(clicks: Sequence[Click]) -> Iterator[Mapping[str, Any]]:
    shown = [_show_click(click) for click in clicks]
    if len(shown) <= MOST_ALONE:
        yield from ({"click": click} for click in shown)
        return
    for begin in range(0, len(shown), MOST_TOGETHER):
        part = shown[begin : begin + MOST_TOGETHER]
        yield {"click": part[0], "clicks": part}


def _show_click(click: Click) -> Mapping[str, Any]:
    campaign = {name: click[name] or None for name in _CAMPAIGN}
    moment = _EPOCH + timedelta(milliseconds=click["at"])
    public = ClickPublic.model_validate({**click, **campaign, "clicked_at": moment, "is_bot": click["bot"]})
    return public.model_dump(mode="json")


def _find(connection: Connection, link_ids: Collection[int]) -> Mapping[int, tuple[Mapping[str, Any], list[int]]]:
    """The links, and the ids of the webhooks that want their clicks."""
    rows = connection.execute(_LINKS, {"links": sorted(link_ids)}).mappings()
    links = [dict[str, Any](row) for row in rows]
    listeners = find_listeners(connection, Event.LINK_CLICKED, {link["workspace_id"] for link in links})
    return {link["id"]: (link, _wanting(listeners, link)) for link in links}


def _wanting(listeners: Sequence[Listener], link: Mapping[str, Any]) -> list[int]:
    place = Place(link["workspace_id"], link["project_id"], link["id"])
    return [listener.webhook_id for listener in listeners if listener.wants(place)]


_ANYBODY = text("SELECT 1 FROM webhooks WHERE is_active AND event_types LIKE :event LIMIT 1")
_LINKS = text(
    "SELECT id, workspace_id, project_id, domain, short_code, original_url, title FROM links WHERE id IN :links"
).bindparams(bindparam("links", expanding=True))
