"""Redirects of one turn of the event loop: one write puts all their clicks into the journal, then they are answered."""

from asyncio import AbstractEventLoop, BaseTransport
from collections.abc import Callable, Sequence
from typing import Any

# Whoever comes first shall not wait for the clicks of a whole crowd.
MOST = 128


class Group:
    """Answers that wait for their clicks, in the order in which they were added.

    `write_all` puts payloads into the journal. A turn of the loop is a fraction of a millisecond, and longer only where
    there is a crowd: then one write of many lines costs a fifth of as many writes.
    """

    def __init__(self, write_all: Callable[[Sequence[bytes]], object]) -> None:
        self._write_all = write_all
        self._payloads: list[bytes] = []
        self._answers: list[tuple[Any, bytes]] = []

    def add(self, loop: AbstractEventLoop, payload: bytes, transport: BaseTransport, answer: bytes) -> None:
        """Send `answer` once `payload` is in the journal: at the end of this turn of `loop`."""
        if not self._payloads:
            loop.call_soon(self.send)
        self._payloads.append(payload)
        self._answers.append((transport, answer))
        if len(self._payloads) >= MOST:
            self.send()

    def send(self) -> None:
        """Write and answer what waits, now."""
        if not self._payloads:
            return
        payloads, self._payloads = self._payloads, []
        answers, self._answers = self._answers, []
        self._write_all(payloads)
        for transport, answer in answers:
            transport.write(answer)
