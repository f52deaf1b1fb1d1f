"""From a code to what its redirect needs: a bounded map, filled by one indexed read on a miss."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any

CAPACITY = 100_000
RESERVED = "reserved"
SECRET = "secret"  # noqa: S105 - a kind of code
# Look-up rows: kind of the code, link id, original_url, redirect_url, is_active, expires_at, blocked_at,
# password_hash, max_clicks, mask, forward_query, og_title, og_description, og_image; times in microseconds.
Lookup = Callable[[str], tuple[Any, ...] | None]


class State(StrEnum):
    """What a visitor finds."""

    WORKS = "works"
    DISABLED = "disabled"
    EXPIRED = "expired"
    BLOCKED = "blocked"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Shared:
    """What previews of the short URL show."""

    title: str | None
    description: str | None
    image: str | None


@dataclass(frozen=True, slots=True)
class Powers:
    """What keeps a link from being a plain redirect."""

    password_hash: str | None = None
    is_capped: bool = False
    is_masked: bool = False
    forwards_query: bool = False
    shared: Shared | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a code leads. `link_id` is 0 for a code whose link was deleted; times are in microseconds since 1970.

    `is_secret`: it leads to no link, but to a secret, also where that has ended.
    """

    link_id: int
    destination: bytes
    fallback: bytes | None
    is_active: bool
    expires_at: int | None
    is_blocked: bool = False
    powers: Powers | None = None
    is_secret: bool = False

    def is_plain(self, now: int) -> bool:
        """Whether visitors are redirected to the destination at `now`, and nothing else."""
        return (
            self.powers is None
            and self.is_active
            and (self.expires_at is None or self.expires_at > now)
            and not self.is_blocked
        )

    def state(self, now: int) -> State:
        """What a visitor finds at `now`; whether a link with a limit is used up is for the database to say."""
        if self.is_blocked:
            return State.BLOCKED
        if self.link_id == 0:
            return State.DELETED
        if not self.is_active:
            return State.DISABLED
        return State.WORKS if self.expires_at is None or self.expires_at > now else State.EXPIRED


GONE = Target(0, b"", None, is_active=False, expires_at=None)
HIDDEN = Target(0, b"", None, is_active=False, expires_at=None, is_secret=True)


class Resolver:
    """Remembers targets by code. Expiry and state are tested after the map, by whoever answers."""

    def __init__(self, look_up: Lookup, capacity: int = CAPACITY) -> None:
        self.known: dict[str, Target] = {}
        self._look_up = look_up
        self._capacity = capacity
        self._lock = Lock()
        self._changes = 0

    def find(self, code: str) -> Target | None:
        """The target of `code`, None where nobody has it; reads the database on a miss."""
        target = self.known.get(code)
        return target if target is not None else self._read(code)

    def forget(self, codes: Iterable[str]) -> None:
        """Drop codes that have changed: the next visit reads them anew."""
        with self._lock:
            self._changes += 1
            for code in codes:
                self.known.pop(code, None)

    def forget_all(self) -> None:
        """Drop everything."""
        with self._lock:
            self._changes += 1
            self.known.clear()

    def _read(self, code: str) -> Target | None:
        seen = self._changes
        row = self._look_up(code)
        target = None if row is None else _make_target(row)
        if target is None:
            return None
        with self._lock:
            # What was read before a change must not outlive the news of it.
            if self._changes == seen:
                if len(self.known) >= self._capacity:
                    del self.known[next(iter(self.known))]
                self.known[code] = target
        return target


_WITHOUT_LINK = {RESERVED: None, SECRET: HIDDEN}


def _make_target(row: tuple[Any, ...]) -> Target | None:
    kind, link_id, original_url, redirect_url, is_active, expires_at, blocked_at, *powers = row
    if link_id is None:
        return _WITHOUT_LINK.get(kind, GONE)
    fallback = None if redirect_url is None else redirect_url.encode("ascii")
    return Target(
        link_id,
        original_url.encode("ascii"),
        fallback,
        bool(is_active),
        expires_at,
        blocked_at is not None,
        _make_powers(*powers),
    )


def _make_powers(
    password_hash: str | None, max_clicks: int | None, mask: Any, forward_query: Any, *shared: Any
) -> Powers | None:
    powers = Powers(
        password_hash,
        max_clicks is not None,
        bool(mask),
        bool(forward_query),
        Shared(*shared) if any(shared) else None,
    )
    return None if powers == Powers() else powers
