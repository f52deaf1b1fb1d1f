"""The handshake, for those who want one: an endpoint that answers a challenge with its text is switched on."""

import secrets
from typing import Any, Final, cast

import orjson

from shortmcp.core.context import Context
from shortmcp.core.events.announcing import Told, write_events
from shortmcp.core.events.tables import Webhook

CHALLENGE: Final = "webhook.challenge"


def send_challenge(ctx: Context, webhook: Webhook) -> None:
    """Have a webhook's endpoint asked to prove that it wants to be one."""
    data = {"challenge": secrets.token_urlsafe(24)}
    write_events(ctx.session.connection(), [Told(CHALLENGE, data, [webhook.id or 0], is_test=True)], ctx.now)


def is_met(body: str, answer: bytes) -> bool:
    """Whether `answer` holds the challenge of an event's body: alone, or as `challenge` in a JSON object."""
    challenge: str = orjson.loads(body)["data"]["challenge"]
    if answer.strip() == challenge.encode():
        return True
    try:
        said: Any = orjson.loads(answer)
    except ValueError:
        return False
    return isinstance(said, dict) and cast("dict[str, Any]", said).get("challenge") == challenge
