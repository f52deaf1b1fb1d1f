"""From a code to what its redirect needs: a bounded map, filled by one indexed read on a miss."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

CAPACITY = 100_000
# Look-up rows: (released_at, link id, original_url, redirect_url, is_active, expires_at), times in microseconds.
Lookup = Callable[[str], tuple[Any, ...] | None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a code leads. `link_id` is 0 for a code whose link was deleted; times are in microseconds since 1970."""

    link_id: int
    destination: bytes
    fallback: bytes | None
    is_active: bool
    expires_at: int | None

    def works(self, now: int) -> bool:
        """Whether visitors reach the destination at `now`."""
        return self.is_active and (self.expires_at is None or self.expires_at > now)


GONE = Target(0, b"", None, is_active=False, expires_at=None)


class Resolver:
    """Remembers targets by code. Expiry and state are tested after the map, by whoever answers."""

    def __init__(self, look_up: Lookup, capacity: int = CAPACITY) -> None:
        self.known: dict[str, Target] = {}
        self._look_up = look_up
        self._capacity = capacity
        self._lock = Lock()
        self._changes = 0

    def find(self, code: str) -> Target | None:
        """The target of `code`, None where nobody ever had it; reads the database on a miss."""
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
        if row is None:
            return None
        target = _make_target(row)
        with self._lock:
            # What was read before a change must not outlive the news of it.
            if self._changes == seen:
                if len(self.known) >= self._capacity:
                    del self.known[next(iter(self.known))]
                self.known[code] = target
        return target


def _make_target(row: tuple[Any, ...]) -> Target:
    _, link_id, original_url, redirect_url, is_active, expires_at = row
    if link_id is None:
        return GONE
    fallback = None if redirect_url is None else redirect_url.encode("ascii")
    return Target(link_id, original_url.encode("ascii"), fallback, bool(is_active), expires_at)
