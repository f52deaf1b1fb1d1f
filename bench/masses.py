"""A million links and a million clicks: what listing them all and deleting their project cost everybody else.

Visits go on at a steady rate, and links are made one after another, alone and meanwhile. Ends with status 1 where the
visits' 99th percentile is 100 ms or more, where the server's memory grows by 100 MB or more, where a call is refused,
or where the log is longer than 64 MB in the end. Deleting a million links at once is shown and has no floor but that
of the visits: it is one transaction. See README.md in this folder.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

# In place of this folder, where `crash` is another file.
ROOT = Path(__file__).parent.parent
sys.path[:1] = [str(ROOT / "tests"), str(ROOT)]

import httpx2  # noqa: E402
from bench.lists import NUMBERS, SEED  # noqa: E402 - see above
from bench.visitors import memory, percentile, visit_steadily  # noqa: E402

from crash.harness import Instance, ask, call, metric  # noqa: E402
from processes import Process  # noqa: E402
from shortmcp.adapters.sqlite import LOG_BYTES  # noqa: E402

WORST_P99 = 0.100
MOST_GROWTH = 100.0
LINK = {"original_url": "https://example.com/x", "title": "X"}
CLICKS = """
INSERT INTO clicks (link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, browser,
                    utm_source, utm_medium, utm_campaign, utm_term, utm_content)
SELECT :link, 1780000000000 + n * 1000, false, true, h, 'direct', 'at', 'de', 'desktop', 'linux', 'firefox',
       '', '', '', '', '' FROM ({numbers}) AS seeds
"""


@dataclass
class Meanwhile:
    """What others felt: seconds of visits and of links that were made, and what was refused."""

    visits: list[float] = field(default_factory=list[float])
    writes: list[float] = field(default_factory=list[float])
    refused: list[int] = field(default_factory=list[int])
    seconds: float = 0.0
    growth: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether a floor is missed."""
        return percentile(self.visits) >= WORST_P99 or self.growth >= MOST_GROWTH or bool(self.refused)


def main() -> int:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=1_000_000)
    number = parser.parse_args().number
    print(
        f"{'meanwhile':36} {'s':>6} {'visits p99 ms':>14} {'links made':>11} {'slowest ms':>11} {'refused':>8} "
        f"{'memory MB':>10}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "shortmcp.db"
        instance = Instance(Path(name) / "instance", f"sqlite:///{path}")
        with instance.run() as process:
            project = call(process, "/projects", name="Clicks")["slug"]
            clicked = call(process, "/links", project=project, **LINK)["id"]
        seed(path, clicked, number)
        with instance.run() as process:
            bad = measure(process, path, project, number)
    return int(bad)


def seed(path: Path, clicked: int, number: int) -> None:
    """So many links in the first project, and so many clicks on one link of another."""
    with closing(sqlite3.connect(path)) as connection:
        names = {"numbers": NUMBERS["sqlite"], "no": "false", "break": "char(10)"}
        connection.execute(SEED.format(**names), {"workspace": 1, "links": number})
        connection.execute(CLICKS.format(**names), {"link": clicked, "links": number})
        connection.commit()


def measure(process: Process, path: Path, project: str, number: int) -> bool:
    """All rows of the table; whether a floor is missed."""
    projects = ask(process, "GET", "/projects?page=1").json()["data"]
    first = next(one["slug"] for one in projects if one["slug"] != project)
    third = call(process, "/projects", name="Third")["slug"]
    code = make_link_in(process, third)
    log = path.with_name(path.name + "-wal")

    def row(what: str, act: Callable[[], object], others: str = first) -> Meanwhile:
        return show(what, process, code, others, act)

    rows = [row("nothing", lambda: time.sleep(8))]
    rows.append(row(f"a list of {number:,} links", lambda: read_list(process, number)))
    rows.append(row("a reader who stays for 20 s", lambda: read_on(path)))
    print(f"  the log was {log.stat().st_size / 1e6:.1f} MB long when the reader was gone", flush=True)
    rows.append(row(f"a project with {number:,} clicks goes", lambda: delete(process, project, path, number)))
    last = row(f"a project with {number:,} links goes", lambda: delete(process, first, path, 0), third)
    left = metric(process, "shortmcp_wal_bytes")
    print(f"  the log is {left / 1e6:.1f} MB long in the end")
    return any(one.is_bad for one in rows) or percentile(last.visits) >= WORST_P99 or left > LOG_BYTES


def make_link_in(process: Process, project: str) -> str:
    """A link's code."""
    return call(process, "/links", project=project, **LINK)["short_code"]


def show(what: str, process: Process, code: str, project: str, act: Callable[[], object]) -> Meanwhile:
    """One row: visits and writes while `act` runs."""
    felt, before = Meanwhile(), memory(process.popen.pid)
    begin, busy = time.monotonic(), [True]

    def run() -> None:
        act()
        busy[0] = False

    def write() -> None:
        while busy[0]:
            started = time.monotonic()
            answer = ask(process, "POST", "/links", {**LINK, "project": project})
            felt.writes.append(time.monotonic() - started)
            if answer.status_code != 201:
                felt.refused.append(answer.status_code)

    threads = [Thread(target=run), Thread(target=write)]
    for thread in threads:
        thread.start()
    while busy[0]:
        felt.visits += asyncio.run(visit_steadily(process.url, code, 0.5))
        felt.growth = max(felt.growth, memory(process.popen.pid) - before)
    for thread in threads:
        thread.join()
    felt.seconds = time.monotonic() - begin
    print(
        f"{what:36} {felt.seconds:6.1f} {percentile(felt.visits) * 1000:14.1f} {len(felt.writes):11,} "
        f"{max(felt.writes) * 1000:11.0f} {len(felt.refused):8} {felt.growth:+10.0f}",
        flush=True,
    )
    return felt


def read_list(process: Process, number: int) -> None:
    """All links in one answer."""
    token = process.output.parent.glob("out-*.txt")
    printed = "".join(path.read_text() for path in token)
    headers = {"Authorization": "Bearer " + printed.split("\n\n  ")[1].split()[0]}
    links, rest = 0, b""
    with httpx2.stream("GET", f"{process.url}/api/v1/links", headers=headers, timeout=300, trust_env=False) as answer:
        for chunk in answer.iter_bytes():
            rest += chunk
            links += rest.count(b'"short_code":')
            rest = rest[-len(b'"short_code"') :]
    assert links >= number, links


def read_on(path: Path) -> None:
    """Another program that keeps a snapshot of the database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM projects").fetchone()
        time.sleep(20)


def delete(process: Process, project: str, path: Path, clicks: int) -> None:
    """A project, and then a while of what has to be done behind it."""
    began = time.monotonic()
    answer = ask(process, "DELETE", f"/projects/{project}")
    print(f"  answered {answer.status_code} after {time.monotonic() - began:.2f} s", flush=True)
    time.sleep(10)
    with closing(sqlite3.connect(path)) as connection:
        left = connection.execute("SELECT count(*) FROM clicks WHERE clicked_at < 1790000000000").fetchone()[0]
    if clicks:
        print(f"  {clicks - left:,} of {clicks:,} old clicks were gone 10 s later", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
