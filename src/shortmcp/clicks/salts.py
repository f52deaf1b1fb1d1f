"""Visitors' hashes: salted anew each UTC day with a salt that is thrown away, so that none leads to an address."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from sqlalchemy import Connection, text

from shortmcp.clicks.counting import DAY_MILLISECONDS
from shortmcp.clicks.visits import Visit

HASH_BYTES = 8
STEP = 50_000
Salts = Mapping[int, bytes]


def days_of(visits: Iterable[Visit]) -> set[int]:
    """The UTC days (since 1970) on which the visits came."""
    return {visit.at // DAY_MILLISECONDS for visit in visits}


def read_salts(connection: Connection, days: Collection[int]) -> Salts:
    """The salts of days; a day without one gets its own."""
    # In sorted order: two nodes that begin a day at once wait for each other in a row.
    return {day: _read_salt(connection, day) for day in sorted(days)}


def hash_visitors(visits: Iterable[Visit], salts: Salts) -> list[int]:
    """A hash of 64 bits, signed, of each visit's address and user agent; `salts` holds every day of them."""
    keyed = {day: blake2b(key=salt, digest_size=HASH_BYTES) for day, salt in salts.items()}
    hashes: list[int] = []
    for visit in visits:
        hasher = keyed[visit.at // DAY_MILLISECONDS].copy()
        hasher.update(f"{visit.address}\0{visit.user_agent}".encode("utf-8", "surrogatepass"))
        hashes.append(int.from_bytes(hasher.digest(), signed=True))
    return hashes


def forget_visitors(connection: Connection, now: int) -> int:
    """Throw away the salts and visitor hashes of days that have ended long enough ago for the journal to be empty.

    Unreadable lines of the journal, which may hold an address, go after as long.

    Of the hashes, which say nothing without their salt, one step's number; returns how many went, 0 when none is left.
    """
    values = {"ended": now // DAY_MILLISECONDS - 1, "step": STEP}
    connection.execute(text("DELETE FROM visitor_salts WHERE day < :ended"), values)
    connection.execute(
        text("DELETE FROM journal_rejects WHERE found_at < :before"), {"before": values["ended"] * DAY_MILLISECONDS}
    )
    old = "SELECT link_id, day, visitor FROM visitors WHERE day < :ended LIMIT :step"
    return connection.execute(text(f"DELETE FROM visitors WHERE (link_id, day, visitor) IN ({old})"), values).rowcount  # noqa: S608


def _read_salt(connection: Connection, day: int) -> bytes:
    connection.execute(
        text("INSERT INTO visitor_salts (day, salt) VALUES (:day, :salt) ON CONFLICT (day) DO NOTHING"),
        {"day": day, "salt": secrets.token_bytes(32)},
    )
    return connection.execute(text("SELECT salt FROM visitor_salts WHERE day = :day"), {"day": day}).scalar_one()
