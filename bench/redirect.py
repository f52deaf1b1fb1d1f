"""Redirects a second, clicks journalled, against a bare ASGI app that answers an empty 302 on the same uvicorn.

Servers run on one core, wrk on another; sides take turns. Ends with status 1 where our best round is less than 0.8 of
the bare app's best. See README.md in this folder.
"""

import argparse
import re
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
from servers import Side, free_port, parse_options, read, running, take_turn, wait_for

ROOT = Path(__file__).parent.parent
FLOOR = 0.8
CODES = 500
CONNECTIONS = 32
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
WRK_SCRIPT = """
local requests, turn = {}, 0
function init(arguments)
  wrk.headers["User-Agent"] = "%(agent)s"
  wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
  wrk.headers["Accept-Language"] = "de-AT,de;q=0.9,en;q=0.8"
  wrk.headers["Referer"] = "https://news.example.com/today"
  for code in io.lines("%(codes)s") do
    requests[#requests + 1] = wrk.format("GET", "/" .. code .. "?utm_source=bench")
  end
end
function request()
  turn = turn %% #requests + 1
  return requests[turn]
end
"""


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The least that an ASGI app can do to redirect."""
    if scope["type"] == "http":
        headers = [(b"location", b"https://example.com/"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def main() -> int:
    """Measure, print, compare."""
    options = read_options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.dir)))
        sides = start(stack, folder, options)
        script = folder / "visit.lua"
        script.write_text(WRK_SCRIPT % {"agent": CHROME, "codes": folder / "codes"})
        for number in range(options.rounds + 1):
            for side in sides:
                # The first round warms up: caches, the code map, the processor's clock.
                measure(side, script, options, keep=number > 0)
    return report(sides)


def read_options() -> argparse.Namespace:
    """The command line."""
    return parse_options(__doc__, rounds=9)


def start(stack: ExitStack, folder: Path, options: argparse.Namespace) -> list[Side]:
    """The three servers; the codes of our links are in the file `codes`."""
    baseline = Side("bare ASGI app, empty 302", free_port())
    command = [sys.executable, __file__, "--serve-bare", str(baseline.port)]
    baseline.process = stack.enter_context(running(command, options, folder / "bare.txt"))
    plain = Side("shortmcp serve --no-worker", free_port())
    full = Side("shortmcp serve (counts meanwhile)", free_port(), waits_for_ingest=True)
    for side, more in ((plain, ["--no-worker"]), (full, [])):
        home = folder / f"data-{side.port}"
        if side is full:
            shutil.copytree(folder / f"data-{plain.port}", home, ignore=shutil.ignore_patterns("clicks"))
        command = [str(ROOT / ".venv/bin/shortmcp"), "serve", "--port", str(side.port), "--data-dir", str(home), *more]
        output = folder / f"{side.port}.txt"
        side.process = stack.enter_context(running(command, options, output))
        wait_for(side.url + "/healthz")
        if side is plain:
            (folder / "codes").write_text("\n".join(make_links(side, output.read_text())))
    wait_for(baseline.url)
    return [baseline, plain, full]


def make_links(side: Side, greeting: str) -> list[str]:
    """Links to redirect to, made through the API."""
    token = re.search(r"\d+\|\S+", greeting)
    assert token
    codes: list[str] = []
    with httpx2.Client(headers={"Authorization": f"Bearer {token[0]}"}, trust_env=False) as client:
        for number in range(CODES):
            link = {"original_url": f"https://example.com/{number}", "title": str(number)}
            answer = client.post(f"{side.url}/api/v1/links", json=link).raise_for_status()
            codes.append(answer.json()["data"]["short_code"])
    return codes


def measure(side: Side, script: Path, options: argparse.Namespace, *, keep: bool) -> None:
    """One turn of one side."""
    take_turn(side, script, options, keep=keep, connections=CONNECTIONS)
    if side.waits_for_ingest:
        wait_for_ingest(side)


def wait_for_ingest(side: Side) -> None:
    """Let the side count what it has journalled: it must not do so in another side's turn."""
    deadline = time.monotonic() + 300
    while metric(side, "shortmcp_journal_backlog_bytes") > 0:
        assert time.monotonic() < deadline, "ingest does not come to an end"
        time.sleep(0.2)


def metric(side: Side, name: str) -> float:
    """One of the server's own numbers."""
    page = httpx2.get(f"{side.url}/metrics", trust_env=False).text
    return float(read(rf"^{name} (\S+)$", page))


def report(sides: list[Side]) -> int:
    """Print the table; 1 where our redirect is too slow."""
    best = max(sides[0].rates)
    print(f"{'':36} {'best req/s':>11} {'median':>9} {'p99 ms':>7} {'cpu us':>7} {'ratio':>6} {'median of pairs':>16}")
    for side in sides:
        pairs = [ours / theirs for ours, theirs in zip(side.rates, sides[0].rates, strict=True)]
        print(
            f"{side.name:36} {max(side.rates):11,.0f} {statistics.median(side.rates):9,.0f} {min(side.slowest):7.2f} "
            f"{min(side.costs):7.1f} {max(side.rates) / best:6.2f} {statistics.median(pairs):16.2f}"
        )
    # Whatever else the machine does takes from a round and adds to none: the best ones show what the code can do. The
    # median beside it tells how quiet the machine was.
    ratio = max(sides[1].rates) / best
    print(f"\nOur redirect with its click in the journal: {ratio:.2f} of the bare app; at least {FLOOR} is asked for.")
    return int(ratio < FLOOR)


def serve_bare(port: int) -> None:
    """Run the bare app with the settings of `shortmcp serve`."""
    import uvicorn  # noqa: PLC0415 - in the server's process alone

    uvicorn.run(
        bare,
        port=port,
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_config=None,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve-bare"]:
        serve_bare(int(sys.argv[2]))
    else:
        raise SystemExit(main())
