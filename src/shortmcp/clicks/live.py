"""Clicks for whoever watches them come in: a queue that ingest never waits for."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from shortmcp.clicks.enrich import Click

WAITING = 10_000
# A turn's clicks: showing one costs some tens of microseconds, of which ingest must not feel much.
STEP = 500
Send = Callable[[Sequence[Mapping[str, Any]]], object]


class LiveClicks:
    """Hands clicks on to `send`, as the fields of `Click`; those that are too many, or not taken, are `dropped`."""

    def __init__(self, send: Send) -> None:
        self.dropped = 0
        self._send = send
        self._waiting = deque[Click]()

    def add(self, clicks: Iterable[Click]) -> None:
        """Take clicks that have been counted; never waits, never raises."""
        for click in clicks:
            if len(self._waiting) < WAITING:
                self._waiting.append(click)
            else:
                self.dropped += 1

    def run(self) -> None:
        """Send some of what waits; raises what `send` raises, and those clicks are gone."""
        clicks = [self._waiting.popleft() for _ in range(min(STEP, len(self._waiting)))]
        if not clicks:
            return
        try:
            self._send([click._asdict() for click in clicks])
        except BaseException:
            self.dropped += len(clicks)
            raise
