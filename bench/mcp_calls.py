"""MCP calls a second: our front, the same operation's REST route, and the SDK's own stateless path.

All with one trivial tool, called and listed, in both eras of the protocol. The SDK's server checks no token and opens
no transaction; ours does both. Ends with status 1 where our best round is less than 3 times the SDK's or less than
0.7 of REST's. See README.md in this folder.
"""

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from servers import Side, free_port, parse_options, running, take_turn, wait_for

SERVERS = Path(__file__).with_name("mcp_servers.py")
CONNECTIONS = 8
FASTER_THAN_SDK, OF_REST = 3.0, 0.7
MODERN = "2026-07-28"
META = (
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
)
CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{%s"name":"echo","arguments":{"text":"hello"}}}'
LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"%s}'
WRK_SCRIPT = """
wrk.method = "%(method)s"
wrk.path = "%(path)s"
wrk.headers["Authorization"] = "Bearer %(token)s"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
%(more)s
"""
BODY = "wrk.body = '%s'"
MODERN_HEADERS = """
wrk.headers["MCP-Protocol-Version"] = "%s"
wrk.headers["Mcp-Method"] = "%s"
"""
MODERN_CALL = MODERN_HEADERS % (MODERN, "tools/call") + 'wrk.headers["Mcp-Name"] = "echo"\n'
MODERN_LIST = MODERN_HEADERS % (MODERN, "tools/list")
MCP = {
    ("call", "2025"): BODY % (CALL % ""),
    ("call", "2026"): BODY % (CALL % f"{META},") + MODERN_CALL,
    ("list", "2025"): BODY % (LIST % ""),
    ("list", "2026"): BODY % (LIST % f',"params":{{{META}}}') + MODERN_LIST,
}


def main() -> int:
    """Measure, print, compare."""
    options = parse_options(__doc__, rounds=7)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.dir)))
        turns = start(stack, folder, options)
        for number in range(options.rounds + 1):
            for side, script in turns:
                take_turn(side, script, options, keep=number > 0, connections=CONNECTIONS)
    return report({side.name: side for side, _ in turns})


def start(stack: ExitStack, folder: Path, options: argparse.Namespace) -> list[tuple[Side, Path]]:
    """Both servers; each turn is a side with its script."""
    ports, processes = (free_port(), free_port()), list[int]()
    for kind, port in zip(("sdk", "ours"), ports, strict=True):
        command = [sys.executable, str(SERVERS), kind, str(port), str(folder)]
        processes.append(stack.enter_context(running(command, options, folder / f"{kind}.txt")))
        wait_for(f"http://127.0.0.1:{port}/")
    token = (folder / "token").read_text()
    turns = list[tuple[Side, Path]]()
    asked = [
        (f"{who}, {what}, era of {era}", server, "/mcp", more)
        for (what, era), more in MCP.items()
        for server, who in enumerate(("SDK", "our front"))
    ]
    for name, server, path, more in (*asked, ("our REST route", 1, "/api/v1/echo?text=hello", "")):
        script = folder / f"{len(turns)}.lua"
        words = {"method": "POST" if more else "GET", "path": path, "token": token, "more": more}
        script.write_text(WRK_SCRIPT % words)
        turns.append((Side(name, ports[server], process=processes[server]), script))
    return turns


def report(sides: dict[str, Side]) -> int:
    """Print the table; 1 where a floor is not reached."""
    print(f"{'':32} {'best req/s':>11} {'median':>9} {'p99 ms':>7} {'cpu us':>7}")
    for side in sides.values():
        print(
            f"{side.name:32} {max(side.rates):11,.0f} {statistics.median(side.rates):9,.0f} {min(side.slowest):7.2f} "
            f"{min(side.costs):7.1f}"
        )
    print()
    missed = 0
    for what, era in MCP:
        ours = sides[f"our front, {what}, era of {era}"]
        for other, floor in ((f"SDK, {what}, era of {era}", FASTER_THAN_SDK), ("our REST route", OF_REST)):
            ratio, cost = max(ours.rates) / max(sides[other].rates), min(sides[other].costs) / min(ours.costs)
            missed += ratio < floor
            print(f"{ours.name}: {ratio:.2f} of {other} ({cost:.2f} by cpu us); at least {floor} is asked for.")
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
