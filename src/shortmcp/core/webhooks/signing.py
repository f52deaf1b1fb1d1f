"""Secrets of webhooks, and how a delivery is signed: by Standard Webhooks, and as clients of slsh expect it.

A secret is stored nowhere: it is made anew from the instance's key and the webhook's salt.
"""

import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence

PURPOSE = "webhooks"
PREFIX = "whsec_"
SALT_BYTES = 16


def make_salt() -> str:
    """What tells one secret from all others."""
    return secrets.token_hex(SALT_BYTES)


def make_secret(key: bytes, salt: str) -> str:
    """The secret as its owner is shown it: `whsec_` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(hmac.digest(key, salt.encode(), "sha256")).decode()


def sign(secret_texts: Sequence[str], event_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers that prove who sent `body`; `timestamp` is in unix seconds.

    The first secret is the present one. Others sign beside it in `webhook-signature`, which may hold several;
    `x-slsh-signature` holds one.
    """
    signed = b"%s.%d.%s" % (event_id.encode(), timestamp, body)
    keys = [base64.b64decode(secret.removeprefix(PREFIX)) for secret in secret_texts]
    signatures = [f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
        "x-slsh-signature": hmac.digest(secret_texts[0].encode(), body, "sha256").hex(),
    }
