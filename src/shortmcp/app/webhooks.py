"""Webhooks and the ends of links, put together: who sends, and what has to come again and again."""

from collections.abc import Mapping
from datetime import UTC, datetime

from shortmcp.adapters.outbound import Outbound
from shortmcp.app.node import Node
from shortmcp.core.links.expiry import ExpiryWatcher
from shortmcp.core.webhooks.delivering import Deliverer, Reply
from shortmcp.core.webhooks.purge import forget_deliveries
from shortmcp.worker import Chore, DeliveryRunner

# Links whose end has come are told of within so many seconds.
EXPIRY_SECONDS = 5.0
FORGET_SECONDS = 600.0


def make_delivery_runner(node: Node) -> DeliveryRunner:
    """What sends deliveries; every process may have one, they share the work."""
    settings, database = node.settings, node.database
    outbound = Outbound(allow_private=settings.allow_private_webhooks, proxy=settings.outbound_proxy)

    def post(url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        answer = outbound.send("POST", url, headers=headers, body=body)
        return Reply(answer.status, answer.body_start)

    deliverer = Deliverer(database.read, post, node.key, lambda: datetime.now(UTC))
    return DeliveryRunner(database.read, database.write, deliverer.deliver, lambda: datetime.now(UTC))


def make_webhook_chores(node: Node) -> list[Chore]:
    """What has to come again and again."""
    watcher = ExpiryWatcher(node.database.read, node.work(), lambda: datetime.now(UTC))
    return [
        Chore("expiries", EXPIRY_SECONDS, watcher.run),
        Chore("forget deliveries", FORGET_SECONDS, lambda: _forget(node)),
    ]


def _forget(node: Node) -> None:
    gone = 1
    while gone:
        with node.database.write() as connection:
            gone = forget_deliveries(connection, datetime.now(UTC))
