"""Destroying secrets whose time is over, and forgetting those that ended long ago."""

from datetime import timedelta

from sqlalchemy import Connection, bindparam, text

KEPT = timedelta(days=30)
STEP = 500
_EXPIRED = "SELECT id FROM secrets WHERE ended_at IS NULL AND expires_at <= :now ORDER BY expires_at, id LIMIT :step"
# First, as revealing does: on PostgreSQL two writers would wait for each other otherwise.
_END = f"UPDATE secrets SET ended_at = :now WHERE ended_at IS NULL AND id IN ({_EXPIRED}) RETURNING id, slug"  # noqa: S608
_DESTROY = text("DELETE FROM sealed_contents WHERE secret_id IN :ids").bindparams(bindparam("ids", expanding=True))
_RELEASE = text(
    "UPDATE short_codes SET released_at = :now WHERE kind = 'secret' AND domain = '' AND code IN :slugs"
).bindparams(bindparam("slugs", expanding=True))
_FORGET = (
    "DELETE FROM secrets WHERE id IN "
    "(SELECT id FROM secrets WHERE ended_at <= :before AND ended_at IS NOT NULL LIMIT :step)"
)


def has_expired(connection: Connection, now: int) -> bool:
    """Whether there is anything to destroy at `now`, microseconds since 1970: a read, before a turn at writing."""
    return connection.execute(text(_EXPIRED), {"now": now, "step": 1}).first() is not None


def destroy_expired(connection: Connection, now: int) -> int:
    """Destroy the contents of up to STEP secrets that have expired by `now`; returns how many."""
    ended = connection.execute(text(_END), {"now": now, "step": STEP}).all()
    if ended:
        connection.execute(_DESTROY, {"ids": [secret_id for secret_id, _ in ended]})
        connection.execute(_RELEASE, {"now": now, "slugs": [slug for _, slug in ended]})
    return len(ended)


def forget_ended(connection: Connection, now: int) -> int:
    """Forget what was known of up to STEP secrets that ended 30 days before `now`; returns how many."""
    before = now - KEPT // timedelta(microseconds=1)
    return connection.execute(text(_FORGET), {"before": before, "step": STEP}).rowcount
