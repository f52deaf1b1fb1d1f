"""Deliveries to good endpoints while others hang, drip, pour out a gigabyte, redirect and reset: how late are they?

Each visit's number comes back in the delivery's `utm_content`; the time counts from the visitor's answer to the POST at
the endpoint. Ends with status 1 where the 99th percentile is over two seconds, a click is missing, or an endpoint had
more than two connections at once.
"""

import argparse
import os
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

# In place of this folder, where `webhooks` is this script.
sys.path[0] = str(Path(__file__).parent.parent / "tests")

from crash.harness import Instance, call, kill, make_link  # noqa: E402 - see above
from endpoints import Received  # noqa: E402 - the same
from factories import CHROME, TLS  # noqa: E402 - the same
from outlets import answer, open_outlet  # noqa: E402 - the same

MOST_SECONDS = 2.0
AT_ONCE = 2
PATIENCE = 30.0
Behaviour = Callable[[socket.socket], object]


@dataclass
class Watched:
    """An endpoint that counts how many connections it has at once."""

    name: str
    behave: Behaviour
    now: int = 0
    most: int = 0
    total: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        with self.lock:
            self.now, self.total = self.now + 1, self.total + 1
            self.most = max(self.most, self.now)
        try:
            self.behave(connection)
        finally:
            with self.lock:
                self.now -= 1


def hang(connection: socket.socket) -> None:
    """Say nothing until the other side hangs up."""
    connection.recv(1)


def drip(connection: socket.socket) -> None:
    """A byte a second."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    connection.settimeout(1)
    while True:
        try:
            connection.recv(1)
        except TimeoutError:
            connection.sendall(b"x")
        else:
            # The other side has hung up.
            return


def pour(connection: socket.socket) -> None:
    """A gigabyte."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(1 << 14):
        connection.sendall(b"x" * (1 << 16))


def reset(connection: socket.socket) -> None:
    """Hang up in the rudest way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BAD: dict[str, Behaviour] = {
    "hangs": hang,
    "drips": drip,
    "pours": pour,
    "redirects": answer(b"", b"Location: http://127.0.0.1/", status=b"302 Found"),
    "resets": reset,
}


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=10, help="Visits a second.")
    parser.add_argument("--each", type=int, default=3, help="Endpoints of each bad kind.")
    parser.add_argument("--good", type=int, default=2, help="Good endpoints.")
    parser.add_argument("--database-url", default="", help="An empty PostgreSQL database; SQLite if left out.")
    options = parser.parse_args()
    os.environ["SHORTMCP_ALLOW_PRIVATE_WEBHOOKS"] = "true"
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        instance = Instance(Path(name) / "instance", options.database_url or f"sqlite:///{name}/shortmcp.db")
        bad = [Watched(kind, behave) for kind, behave in BAD.items() for _ in range(options.each)]
        arrived: list[dict[str, float]] = [{} for _ in range(options.good)]
        process = stack.enter_context(instance.run())
        for watched in bad:
            call(process, "/webhooks", url=stack.enter_context(open_outlet(watched)).url)
        for times in arrived:
            listen(stack, lambda url: call(process, "/webhooks", url=url), times)
        code = make_link(process)
        sent = visit(process.url, code, options)
        wait(lambda: all(times.keys() >= sent.keys() for times in arrived))
        # Or the endpoints would wait for those that still wait for them.
        kill(process)
        return report(bad, arrived, sent)


def listen(stack: ExitStack, register: Callable[[str], object], times: dict[str, float]) -> None:
    """A good endpoint that notes when each visit was told of."""

    def note(connection: socket.socket) -> None:
        moment = time.monotonic()
        answer(b"")(connection)
        for request in list(outlet.requests):
            outlet.requests.remove(request)
            data = Received.read(request).event["data"]
            for click in data.get("clicks", [data["click"]]):
                times.setdefault(click["utm_content"], moment)

    outlet = stack.enter_context(open_outlet(note))
    register(outlet.url)


def visit(url: str, code: str, options: argparse.Namespace) -> dict[str, float]:
    """Follow the link, evenly; when each visit was answered."""
    sent: dict[str, float] = {}
    with httpx2.Client(headers={"User-Agent": CHROME}, trust_env=False, verify=TLS) as visitor:
        begin = time.monotonic()
        while time.monotonic() < begin + options.seconds:
            number = len(sent)
            time.sleep(max(0.0, begin + number / options.rate - time.monotonic()))
            assert visitor.get(f"{url}/{code}?utm_content={number}").status_code == 302
            sent[str(number)] = time.monotonic()
    return sent


def wait(condition: Callable[[], bool]) -> None:
    """Until it holds, or for as long as is reasonable."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def report(bad: list[Watched], arrived: list[dict[str, float]], sent: dict[str, float]) -> int:
    """Print what came of it; 1 where a floor is not reached."""
    print(f"{'endpoint':12} {'deliveries':>10} {'at once':>8}")
    for watched in bad:
        print(f"{watched.name:12} {watched.total:10} {watched.most:8}")
    late = sorted(times[number] - moment for times in arrived for number, moment in sent.items() if number in times)
    missing = sum(len(sent.keys() - times.keys()) for times in arrived)
    percentiles = statistics.quantiles(late, n=100)
    print(
        f"\n{len(sent)} visits, {len(arrived)} good endpoints, {len(bad)} bad ones: median {percentiles[49]:.2f} s, "
        f"99th percentile {percentiles[98]:.2f} s, longest {late[-1]:.2f} s, {missing} missing."
    )
    # One that hangs up at once may be called again before its own thread has noticed that.
    crowded = any(watched.most > AT_ONCE for watched in bad if watched.behave in {hang, drip})
    return int(percentiles[98] > MOST_SECONDS or missing > 0 or crowded)


if __name__ == "__main__":
    raise SystemExit(main())
