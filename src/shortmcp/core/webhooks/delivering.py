"""One attempt: read what is to be sent as it is now, sign it, send it, and say what came of it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from shortmcp.core.fields import to_microseconds
from shortmcp.core.jobs import Failure
from shortmcp.core.webhooks.challenges import CHALLENGE, is_met
from shortmcp.core.webhooks.queue import ClaimedDelivery
from shortmcp.core.webhooks.signing import PURPOSE, make_secret, sign

Read = Callable[[], AbstractContextManager[Connection]]
_GOOD = range(200, 300)
_GONE = 410


@dataclass(frozen=True)
class Reply:
    """What an endpoint answered: the HTTP status, and the beginning of the body, which is not kept."""

    status: int
    body: bytes


# POSTs a body to a URL. Raises Failure where there was no answer in time, or where it may not be sent there.
Post = Callable[[str, Mapping[str, str], bytes], Reply]


@dataclass(frozen=True)
class Attempt:
    """What came of an attempt: `error` says in a sentence what went wrong; it is empty where nothing did.

    `is_off` tells that nothing was sent: the webhook was deleted or switched off meanwhile. What `is_test` is not tried
    again and says nothing of how the endpoint does.
    """

    status: int | None = None
    error: str = ""
    is_off: bool = False
    is_gone: bool = False
    is_verified: bool = False
    is_test: bool = False


@dataclass(frozen=True)
class Deliverer:
    """Makes attempts."""

    read: Read
    post: Post
    key: Callable[[str], bytes]
    clock: Callable[[], datetime]

    def deliver(self, claimed: ClaimedDelivery) -> Attempt:
        """Send a delivery once. What the endpoint does is told by the result; what raises is a bug."""
        with self.read() as connection:
            row = connection.execute(_READ, {"id": claimed.id}).first()
        if row is None or not (row.is_active or row.is_test):
            return Attempt(error="The webhook was switched off.", is_off=True)
        attempt = self._send(row)
        return replace(attempt, is_test=bool(row.is_test) and row.type != CHALLENGE)

    def _send(self, row: Row[Any]) -> Attempt:
        body = row.body.encode()
        headers = {"content-type": "application/json", **self._sign(row, body)}
        try:
            reply = self.post(row.url, headers, body)
        except Failure as error:
            return Attempt(error=str(error))
        return _judge(row, reply)

    def _sign(self, row: Row[Any], body: bytes) -> Mapping[str, str]:
        now, key = to_microseconds(self.clock()), self.key(PURPOSE)
        is_rotating = row.old_salt is not None and row.old_salt_until > now
        salts = (row.salt, row.old_salt) if is_rotating else (row.salt,)
        return sign([make_secret(key, str(salt)) for salt in salts], row.event_id, now // 1_000_000, body)


def _judge(row: Row[Any], reply: Reply) -> Attempt:
    if reply.status not in _GOOD:
        return Attempt(reply.status, f"The endpoint answered {reply.status}.", is_gone=reply.status == _GONE)
    if row.type != CHALLENGE:
        return Attempt(reply.status)
    if is_met(str(row.body), reply.body):
        return Attempt(reply.status, is_verified=True)
    return Attempt(reply.status, "The endpoint did not answer with the challenge.")


_READ = text(
    "SELECT d.event_id, d.is_test, e.type, e.body, w.url, w.is_active, w.salt, w.old_salt, w.old_salt_until "
    "FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event_id JOIN webhooks w ON w.id = d.webhook_id "
    "WHERE d.id = :id"
)
