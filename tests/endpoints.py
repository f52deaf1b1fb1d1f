"""Endpoints of webhooks: real HTTP servers on loopback that keep what they are sent and answer as each test says."""

import json
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from standardwebhooks import Webhook

from outlets import Outlet, answer, open_outlet


@dataclass(frozen=True)
class Received:
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body."""
        return json.loads(self.body)

    def verify(self, secret: str) -> dict[str, Any]:
        """The body, once its signature is verified by those who define it."""
        return Webhook(secret).verify(self.body.decode(), self.headers)

    @classmethod
    def read(cls, request: bytes) -> "Received":
        """What stands in a request."""
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return cls(first.split()[1], {name.lower(): value for name, _, value in pairs}, body)


@dataclass
class Endpoint:
    """What was received; `statuses` are answered first, each once, and 200 after them."""

    outlet: Outlet
    statuses: list[int] = field(default_factory=list[int])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.outlet.url}hook"

    @property
    def received(self) -> list[Received]:
        """All that it was sent."""
        return [Received.read(request) for request in list(self.outlet.requests) if request.strip()]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The bodies."""
        return [one.event for one in self.received]


@contextmanager
def open_endpoint(*statuses: int, behave: Callable[[socket.socket], object] | None = None) -> Generator[Endpoint]:
    """An endpoint that answers; with `behave` it does that instead."""
    waiting = list(statuses)

    def respond(connection: socket.socket) -> None:
        status = waiting.pop(0) if waiting else 200
        answer(b"thanks", status=b"%d X" % status)(connection)

    with open_outlet(behave or respond) as outlet:
        yield Endpoint(outlet, waiting)


def listen(client: httpx2.Client, endpoint: Endpoint, *events: str, **fields: object) -> dict[str, Any]:
    """A webhook of the client's workspace that leads to the endpoint."""
    given = {"url": endpoint.url, **({"event_types": events} if events else {}), **fields}
    answer = client.post("/webhooks", json=given)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def deliveries(client: httpx2.Client, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """What its owner is shown of what it was sent."""
    answer = client.get(f"/webhooks/{webhook['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def statuses(client: httpx2.Client, webhook: dict[str, Any]) -> list[str]:
    """How these ended."""
    return [delivery["status"] for delivery in deliveries(client, webhook)]
