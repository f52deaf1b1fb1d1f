"""Announcing events: written in the transaction of what happened, for the webhooks that want to know of it."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, Row, bindparam, text

from shortmcp.core.context import Context
from shortmcp.core.fields import to_microseconds


class Event(StrEnum):
    """What can happen: a noun and what became of it."""

    LINK_CREATED = "link.created"
    LINK_UPDATED = "link.updated"
    LINK_CLICKED = "link.clicked"
    LINK_EXPIRED = "link.expired"
    LINK_DISABLED = "link.disabled"
    LINK_BLOCKED = "link.blocked"
    PASTE_CREATED = "paste.created"
    SECRET_REVEALED = "secret.revealed"  # noqa: S105 - an event's name


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happens: what the filters of webhooks ask for."""

    workspace_id: int
    project_id: int | None = None
    link_id: int | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A webhook that wants some kind of event; None for a filter that it has not."""

    webhook_id: int
    place: Place

    def wants(self, place: Place) -> bool:
        """Whether it is to be told of what happens there."""
        own = self.place
        return (
            own.workspace_id == place.workspace_id
            and own.project_id in {None, place.project_id}
            and own.link_id in {None, place.link_id}
        )


@dataclass(frozen=True, slots=True)
class Told:
    """An event and the webhooks that are told of it."""

    event: str
    data: Mapping[str, Any]
    webhook_ids: Collection[int]
    is_test: bool = False


def announce(
    ctx: Context,
    event: Event,
    data: Mapping[str, Any],
    *,
    project_id: int | None = None,
    link_id: int | None = None,
    workspace_id: int | None = None,
) -> None:
    """Have the webhooks that want to know of it told, once the transaction is committed.

    `data` holds models or plain values, by the name of what they are (`{"link": ...}`). The workspace is the caller's
    if none is given; give it where visitors or the instance itself act.
    """
    place = Place(workspace_id or ctx.caller.workspace_id, project_id, link_id)
    connection = ctx.session.connection()
    rows = connection.execute(_LISTENERS_OF_ONE, {"workspace": place.workspace_id, "event": f"% {event.value} %"})
    found = [one.webhook_id for one in map(_read_listener, rows) if one.wants(place)]
    if found:
        write_events(connection, [Told(event, data, found)], ctx.now)


def find_listeners(connection: Connection, event: Event, workspace_ids: Collection[int]) -> list[Listener]:
    """The active webhooks of these workspaces that want `event`; a suspended workspace is told nothing."""
    rows = connection.execute(_LISTENERS, {"workspaces": sorted(workspace_ids), "event": f"% {event.value} %"})
    return [_read_listener(row) for row in rows]


def write_events(connection: Connection, told: Iterable[Told], now: datetime) -> list[str]:
    """Write events with their deliveries; returns the events' ids in that order."""
    events, deliveries, moment = list[dict[str, Any]](), list[dict[str, Any]](), to_microseconds(now)
    for one in told:
        event_id = _make_id(moment)
        body = {"type": one.event, "timestamp": now.isoformat(timespec="seconds"), "data": dict(one.data)}
        text_of_body = orjson.dumps(to_jsonable_python(body, by_alias=True)).decode()
        events.append({"id": event_id, "type": one.event, "body": text_of_body, "now": moment})
        deliveries += [
            {"webhook": webhook_id, "event": event_id, "is_test": one.is_test, "now": moment}
            for webhook_id in one.webhook_ids
        ]
    if events:
        connection.execute(_INSERT_EVENT, events)
        connection.execute(_INSERT_DELIVERY, deliveries)
    return [event["id"] for event in events]


def _read_listener(row: Row[Any]) -> Listener:
    return Listener(row.id, Place(row.workspace_id, row.project_id, row.link_id))


def _make_id(moment: int) -> str:
    # The moment first: what is written together stands together in the index.
    return f"msg_{moment // 1000:012x}{secrets.token_hex(10)}"


_WANTED = (
    "SELECT w.id, w.workspace_id, w.project_id, w.link_id FROM webhooks w "
    "JOIN workspaces s ON s.id = w.workspace_id AND s.suspended_at IS NULL "
    "WHERE w.workspace_id {mine} AND w.is_active AND w.event_types LIKE :event ORDER BY w.id"
)
_LISTENERS = text(_WANTED.format(mine="IN :workspaces")).bindparams(bindparam("workspaces", expanding=True))
# For the commonest question: a list of one is put into the statement anew each time.
_LISTENERS_OF_ONE = text(_WANTED.format(mine="= :workspace"))
_INSERT_EVENT = text("INSERT INTO webhook_events (id, type, body, created_at) VALUES (:id, :type, :body, :now)")
_INSERT_DELIVERY = text(
    "INSERT INTO webhook_deliveries (webhook_id, event_id, is_test, run_at, created_at) "
    "VALUES (:webhook, :event, :is_test, :now, :now)"
)
