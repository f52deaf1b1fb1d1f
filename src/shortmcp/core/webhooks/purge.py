"""Throwing deliveries and events away that have had their time."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from shortmcp.core.fields import to_microseconds

# Longer than the last attempt may take to come.
KEPT: Final = timedelta(days=7)
STEP: Final = 2000


def forget_deliveries(connection: Connection, now: datetime) -> int:
    """Delete some of what is older than it is kept; returns how many rows went, 0 when nothing is left."""
    values = {"before": to_microseconds(now - KEPT), "step": STEP}
    gone = connection.execute(_DELIVERIES, values).rowcount
    # An event goes after its deliveries: they show its type.
    return gone or connection.execute(_EVENTS, values).rowcount


_DELIVERIES = text(
    "DELETE FROM webhook_deliveries WHERE id IN "
    "(SELECT id FROM webhook_deliveries WHERE created_at < :before ORDER BY created_at LIMIT :step)"
)
_EVENTS = text(
    "DELETE FROM webhook_events WHERE id IN "
    "(SELECT id FROM webhook_events WHERE created_at < :before ORDER BY created_at LIMIT :step)"
)
