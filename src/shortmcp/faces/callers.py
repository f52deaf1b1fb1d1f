"""Callers by their tokens, remembered for as long as nothing has changed."""

import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from shortmcp.core.context import CALLERS, Caller

CAPACITY = 10_000
# What nobody has told of is noticed after so long: a token that was revoked in another process is dead by then.
SECONDS = 1.0


class _Known(NamedTuple):
    caller: Caller
    version: int
    until: float


class KnownCallers:
    """A bounded map from tokens, kept as digests, to callers.

    `version` gives another number where something may have changed, None where that cannot be said: then nothing is
    remembered. Refusals never are.
    """

    def __init__(self, version: Callable[[], int | None], capacity: int = CAPACITY) -> None:
        self._version = version
        self._capacity = capacity
        self._known: dict[bytes, _Known] = {}
        self._lock = Lock()
        self._changes = 0

    def find(self, presented: str, authenticate: Callable[[str], Caller]) -> Caller:
        """Who holds the token `presented`: as remembered, or as `authenticate` finds."""
        key = _digest(presented)
        changes, version, now = self._changes, self._version(), time.monotonic()
        known = self._known.get(key)
        if known is not None and known.version == version and known.until > now:
            return known.caller
        caller = authenticate(presented)
        if version is not None:
            self._keep(key, _Known(caller, version, now + SECONDS), changes)
        return caller

    def recall(self, presented: str) -> Caller | None:
        """Who holds the token `presented`, as far as that is remembered: nobody is asked."""
        known = self._known.get(_digest(presented))
        is_good = known is not None and known.until > time.monotonic() and known.version == self._version()
        return known.caller if known is not None and is_good else None

    def forget(self, codes: Iterable[str]) -> None:
        """Forget everybody, if tokens or workspaces are among what has changed."""
        if CALLERS in codes:
            self.forget_all()

    def forget_all(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._changes += 1
            self._known.clear()

    def _keep(self, key: bytes, known: _Known, changes: int) -> None:
        with self._lock:
            # What was read before a change must not outlive the news of it.
            if self._changes == changes:
                self._known.pop(key, None)
                if len(self._known) >= self._capacity:
                    del self._known[next(iter(self._known))]
                self._known[key] = known


def _digest(presented: str) -> bytes:
    return sha256(presented.encode("utf-8", "surrogatepass")).digest()
