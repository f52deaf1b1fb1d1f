"""Two hundred visitors with wrong passwords at once: what other redirects and the process's memory feel of it.

Other redirects go on at a steady rate, before and during the attack. Ends with status 1 where their 99th percentile
during it is 50 ms or more, or where the server's memory grows by 150 MB or more. See README.md in this folder.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

# In place of this folder, where `crash` is another file.
ROOT = Path(__file__).parent.parent
sys.path[:1] = [str(ROOT / "tests"), str(ROOT)]

from bench.visitors import memory, percentile, visit_steadily  # noqa: E402 - see above

from crash.harness import Instance, make_link  # noqa: E402
from factories import CHROME  # noqa: E402

GUESSERS = 200
LINKS = 200
PASSWORD = "open sesame"  # noqa: S105 - of links that live for a minute
SECONDS = 6.0
WORST_P99 = 0.050
MOST_GROWTH = 150.0


def main() -> int:
    """Measure, print, compare."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "instance", f"sqlite:///{folder}/shortmcp.db")
        with instance.run() as process:
            plain = make_link(process)
            locked = [make_link(process, password=PASSWORD) for _ in range(LINKS)]
            quiet = asyncio.run(visit_steadily(process.url, plain, SECONDS))
            before = memory(process.popen.pid)
            loud, answers, peak = asyncio.run(attack(process.url, plain, locked, process.popen.pid))
    growth = peak - before
    print(f"{'':22} {'median ms':>10} {'p99 ms':>8}")
    for name, times in (("alone", quiet), ("during the attack", loud)):
        print(f"{name:22} {statistics.median(times) * 1000:10.2f} {percentile(times) * 1000:8.2f}")
    print(f"\n{GUESSERS} guessers on {LINKS} links: {dict(sorted(answers.items()))}; memory +{growth:.0f} MB.")
    return int(percentile(loud) >= WORST_P99 or growth >= MOST_GROWTH)


async def attack(url: str, plain: str, locked: list[str], process: int) -> tuple[list[float], Counter[int], float]:
    """Times of redirects while passwords are guessed at, the guesses' statuses, and the most memory seen (MB)."""
    stop = time.monotonic() + SECONDS
    answers: Counter[int] = Counter()
    peak = [0.0]

    async def guess(number: int) -> None:
        while time.monotonic() < stop:
            form = f"password=wrong-{number}"
            status, _ = await ask(url, f"/{locked[number % LINKS]}", form)
            answers[status] += 1
            peak[0] = max(peak[0], memory(process))

    tasks = [asyncio.create_task(guess(number)) for number in range(GUESSERS)]
    times = await visit_steadily(url, plain, SECONDS)
    await asyncio.gather(*tasks)
    return times, answers, peak[0]


async def ask(url: str, path: str, form: str) -> tuple[int, bytes]:
    """One posted form; its answer's status and bytes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: {CHROME}\r\nConnection: close\r\n"
    writer.write(
        f"{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}".encode()
    )
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


if __name__ == "__main__":
    raise SystemExit(main())
