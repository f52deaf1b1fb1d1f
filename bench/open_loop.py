"""A client that keeps to a schedule: a request is due when the clock says so, however long others take.

`python open_loop.py PORT REQUESTS RATE SECONDS` sends the requests of a file (see operation_requests.py) in turn and
prints p50 and p99 in milliseconds, from the moment a request was due, and how many were answered with an error.
"""

import asyncio
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import cast

from operation_requests import COUNTER, read_requests

CONNECTIONS = 32
# What is still unanswered so long after the end counts as an error.
GRACE_SECONDS = 5.0


class Load:
    """Requests that are due, connections that are free, and the times that answers took."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests = requests
        self.number = 0
        self.due = deque[tuple[float, bytes]]()
        self.free = list[Connection]()
        self.times = list[float]()
        self.errors = 0
        # How many answers there will have been in the end.
        self.last = -1
        self.ended = asyncio.Event()

    def ask(self, moment: float) -> None:
        """One more request is due."""
        request = self.requests[self.number % len(self.requests)]
        self.number += 1
        self.due.append((moment, request.replace(COUNTER, b"%08d" % self.number)))
        if self.free:
            self.free.pop().send(*self.due.popleft())

    def answered(self, connection: "Connection", seconds: float, *, is_good: bool) -> None:
        """A connection has heard the answer to what it sent."""
        self.times.append(seconds)
        self.errors += not is_good
        if len(self.times) == self.last:
            self.ended.set()
        if self.due:
            connection.send(*self.due.popleft())
        else:
            self.free.append(connection)


class Connection(asyncio.Protocol):
    """One kept connection: a request, its answer, the next request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for a first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._load.free.append(self)

    def send(self, due: float, request: bytes) -> None:
        """Send what was due then."""
        self._due, self._received = due, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        if length.isdigit() and len(body) >= int(length):
            good = head.startswith(b"HTTP/1.1 2") and b'"isError":true' not in body and b'"error":{' not in body
            self._load.answered(self, self._loop.time() - self._due, is_good=good)


async def run(port: int, requests: list[bytes], rate: float, seconds: float) -> Load:
    """Ask `rate` times a second for so long; nothing waits for an answer before it."""
    loop, load = asyncio.get_running_loop(), Load(requests)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
    began, asked = loop.time(), int(rate * seconds)
    for number in range(asked):
        moment = began + number / rate
        if moment > loop.time():
            await asyncio.sleep(moment - loop.time())
        load.ask(moment)
    load.last = asked
    if len(load.times) == asked:
        load.ended.set()
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            await load.ended.wait()
    load.errors += asked - len(load.times)
    return load


def main() -> None:
    """Ask, then print."""
    port, path, rate, seconds = sys.argv[1:]
    load = asyncio.run(run(int(port), read_requests(Path(path)), float(rate), float(seconds)))
    times = sorted(load.times)
    shown = [f"{times[int(len(times) * share)] * 1000:.2f}" for share in (0.5, 0.99)]
    print(*shown, load.errors)


if __name__ == "__main__":
    main()
