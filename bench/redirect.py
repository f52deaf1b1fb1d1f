"""Redirects a second, clicks journalled, against a bare ASGI app that answers an empty 302, and against nginx.

Servers run on one core, wrk on another; sides take turns. Ends with status 1 where our best round is less than 1.4 of
the bare app's best or less than 0.5 of nginx's, or where our p99 at half of our best is 3 ms or more. See README.md in
this folder.
"""

import argparse
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from servers import Side, free_port, parse_options, read, running, take_turn, wait_for

ROOT = Path(__file__).parent.parent
OF_BARE, OF_NGINX, P99_MILLISECONDS = 1.4, 0.5, 3.0
CODES = 10_000
# Drawn by Zipf: the hottest link gets one visit of ten.
VISITS = 50_000
CONNECTIONS = 32
# At half of the rate each connection rests so long (whole milliseconds are what wrk can do) and waits for its answer.
REST_SECONDS, ANSWER_SECONDS = 0.002, 0.0003
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
%(more)s
"""
REST = "function delay() return 2 end"
NGINX = """
daemon off; worker_processes 1; pid %(folder)s/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path %(folder)s; proxy_temp_path %(folder)s; fastcgi_temp_path %(folder)s;
  uwsgi_temp_path %(folder)s; scgi_temp_path %(folder)s;
  server { listen 127.0.0.1:%(port)d; location / { return 302 https://example.com/; } }
}
"""


@dataclass(frozen=True)
class Sides:
    """The servers that take turns."""

    bare: Side
    nginx: Side
    ours: Side
    plain: Side
    full: Side

    @property
    def all(self) -> list[Side]:
        """In the order of their turns."""
        return [self.bare, self.nginx, self.ours, self.plain, self.full]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The least that an ASGI app can do to redirect."""
    if scope["type"] == "http":
        headers = [(b"location", b"https://example.com/"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def main() -> int:
    """Measure, print, compare."""
    options = parse_options(__doc__, rounds=7, tools=("wrk", "taskset", "nginx"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.dir)))
        sides = start(stack, folder, options)
        names = {"agent": CHROME, "codes": folder / "codes"}
        script, resting = folder / "visit.lua", folder / "resting.lua"
        script.write_text(WRK_SCRIPT % {**names, "more": ""})
        resting.write_text(WRK_SCRIPT % {**names, "more": REST})
        for number in range(options.rounds + 1):
            for side in sides.all:
                # The first round warms up: caches, the code map, the processor's clock.
                measure(side, script, options, keep=number > 0)
        missed = report(sides)
        return missed | report_half(sides.ours, resting, options)


def start(stack: ExitStack, folder: Path, options: argparse.Namespace) -> Sides:
    """The servers; the codes of the visits to come are in the file `codes`."""
    sides = Sides(
        Side("bare ASGI app, empty 302", free_port()),
        Side("nginx, return 302", free_port()),
        Side("shortmcp serve --no-worker", free_port()),
        Side("the same with --http plain", free_port()),
        Side("shortmcp serve (counts meanwhile)", free_port(), waits_for_ingest=True),
    )
    command = [sys.executable, __file__, "--serve-bare", str(sides.bare.port)]
    sides.bare.process = stack.enter_context(running(command, options, folder / "bare.txt"))
    start_nginx(stack, sides.nginx, folder, options)
    for side, more in (
        (sides.ours, ["--no-worker"]),
        (sides.plain, ["--no-worker", "--http", "plain"]),
        (sides.full, []),
    ):
        home = folder / f"data-{side.port}"
        if side is not sides.ours:
            shutil.copytree(folder / f"data-{sides.ours.port}", home, ignore=shutil.ignore_patterns("clicks"))
        command = [str(ROOT / ".venv/bin/shortmcp"), "serve", "--port", str(side.port), "--data-dir", str(home), *more]
        output = folder / f"{side.port}.txt"
        side.process = stack.enter_context(running(command, options, output))
        wait_for(side.url + "/healthz")
        if side is sides.ours:
            (folder / "codes").write_text("\n".join(draw(make_links(side, output.read_text()))))
    wait_for(sides.bare.url)
    return sides


def start_nginx(stack: ExitStack, side: Side, folder: Path, options: argparse.Namespace) -> None:
    """nginx with one worker, whose processor time is what counts."""
    settings = folder / "nginx.conf"
    settings.write_text(NGINX % {"folder": folder, "port": side.port})
    master = stack.enter_context(running(["nginx", "-c", str(settings)], options, folder / "nginx.txt"))
    wait_for(side.url)
    side.process = int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


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


def draw(codes: list[str]) -> list[str]:
    """Visits of `codes`: of the n-th as many as 1/n, in an order by chance that is the same in every run."""
    weights = [1 / rank for rank in range(1, len(codes) + 1)]
    return random.Random(7).choices(codes, weights, k=VISITS)  # noqa: S311 - a load, no secret


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


def report(sides: Sides) -> int:
    """Print the table; 1 where our redirect is too slow."""
    print(
        f"{'':34} {'best req/s':>11} {'median':>9} {'p99 ms':>7} {'cpu us':>7} {'of bare':>8} {'of nginx':>9} "
        f"{'of bare, median of pairs':>25}"
    )
    bare_best, nginx_best = max(sides.bare.rates), max(sides.nginx.rates)
    for side in sides.all:
        pairs = [rate / other for rate, other in zip(side.rates, sides.bare.rates, strict=True)]
        print(
            f"{side.name:34} {max(side.rates):11,.0f} {statistics.median(side.rates):9,.0f} {min(side.slowest):7.2f} "
            f"{min(side.costs):7.1f} {max(side.rates) / bare_best:8.2f} {max(side.rates) / nginx_best:9.2f} "
            f"{statistics.median(pairs):25.2f}"
        )
    # Whatever else the machine does takes from a round and adds to none: the best ones show what the code can do. The
    # median beside it tells how quiet the machine was.
    of_bare, of_nginx = max(sides.ours.rates) / bare_best, max(sides.ours.rates) / nginx_best
    print(
        f"\nOur redirect with its click in the journal: {of_bare:.2f} of the bare app ({OF_BARE} asked for), "
        f"{of_nginx:.2f} of nginx ({OF_NGINX} asked for)."
    )
    return int(of_bare < OF_BARE or of_nginx < OF_NGINX)


def report_half(ours: Side, resting: Path, options: argparse.Namespace) -> int:
    """Load our side with half of its best rate, print how long answers take; 1 where that is too long."""
    wanted = max(ours.rates) / 2
    connections = round(wanted * (REST_SECONDS + ANSWER_SECONDS))
    half = Side(ours.name, ours.port, process=ours.process)
    for _ in range(options.rounds):
        take_turn(half, resting, options, keep=True, connections=connections)
    print(
        f"At half of it ({connections} connections that rest 2 ms after each answer): "
        f"{statistics.median(half.rates):,.0f} redirects/s, p99 {statistics.median(half.slowest):.2f} ms in the median "
        f"of {options.rounds} rounds, {max(half.slowest):.2f} ms at worst ({P99_MILLISECONDS:g} allowed)."
    )
    return int(statistics.median(half.slowest) >= P99_MILLISECONDS)


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
