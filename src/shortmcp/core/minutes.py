"""Requests counted where all nodes count them, or in the database while nobody answers there."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from shortmcp.core.limits import UNSEEN, WINDOW_MILLISECONDS, Minute, add_request

CAPACITY = 10_000
Transaction = Callable[[], AbstractContextManager[Connection]]


class Counter(Protocol):
    """Counts requests for all nodes, outside of the database."""

    def add(self, token_id: int, seen: Minute) -> Minute | None:
        """Count one request, from what was `seen` on where more is known there; None if it does not answer."""
        ...


@dataclass(frozen=True)
class StoredMinutes:
    """Counts in the database, in transactions of its own."""

    write: Transaction

    def add(self, token_id: int, now: int, seen: Minute = UNSEEN) -> Minute:
        """Count one request of a token at `now` (unix milliseconds), as `add_request` says."""
        with self.write() as connection:
            return add_request(connection, token_id, now, seen)


class _Seen(NamedTuple):
    requests: int
    # On this process's monotonic clock, in seconds: no clock of another machine is compared with it.
    ends: float


class SharedMinutes:
    """Counts with `shared`, and with `stored` while that does not answer.

    What a process has seen of a token's minute goes with it from one to the other: a minute that had 40 of 60 requests
    has 20 left, and not 60 again. Requests that only other processes have seen are not known here.
    """

    def __init__(self, shared: Counter, stored: StoredMinutes, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._stored = stored
        self._clock = clock
        self._seen: dict[int, _Seen] = {}
        self._lock = Lock()

    def add(self, token_id: int, now: int) -> Minute:
        """Count one request of a token at `now` (unix milliseconds)."""
        seen = self._find(token_id)
        minute = self._shared.add(token_id, seen)
        if minute is None:
            minute = self._stored.add(token_id, now, seen)
        self._keep(token_id, minute)
        return minute

    def _find(self, token_id: int) -> Minute:
        seen = self._seen.get(token_id)
        left = 0 if seen is None else int((seen.ends - self._clock()) * 1000)
        return UNSEEN if seen is None or left <= 0 else Minute(seen.requests, min(left, WINDOW_MILLISECONDS))

    def _keep(self, token_id: int, minute: Minute) -> None:
        now = self._clock()
        with self._lock:
            known = self._seen.get(token_id)
            # Answers may come in another order than they were counted in.
            if known is not None and known.ends > now and known.requests >= minute.requests:
                return
            if known is None and len(self._seen) >= CAPACITY:
                del self._seen[next(iter(self._seen))]
            self._seen[token_id] = _Seen(minute.requests, now + minute.left / 1000)
