"""A visitor who follows a link again and again at a steady rate, and what others cost the server meanwhile."""

import asyncio
import re
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
PAUSE = 0.004


async def visit_steadily(url: str, code: str, seconds: float) -> list[float]:
    """Seconds that redirects took, one after another on one connection, for so many seconds."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = f"GET /{code} HTTP/1.1\r\nHost: a\r\nUser-Agent: {BROWSER}\r\n\r\n".encode()
    times: list[float] = []
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        await asyncio.sleep(PAUSE)
        begin = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        times.append(time.perf_counter() - begin)
        assert head.startswith(b"HTTP/1.1 302 "), head
    writer.close()
    return times


def memory(process: int) -> float:
    """Megabytes that the process holds in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def percentile(times: list[float]) -> float:
    """The 99th."""
    return statistics.quantiles(times, n=100)[98] if len(times) > 1 else float("inf")
