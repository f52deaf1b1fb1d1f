"""kill -9 of a whole server under load, trial after trial: how many answered clicks are lost, how many doubled.

The trials are those of tests/crash. Ends with status 1 where a click was lost or doubled, or where the journal in
memory that stands beside it for comparison lost nothing: then the trials would prove nothing.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

# In place of this folder, where `crash` is this script.
sys.path[0] = str(Path(__file__).parent.parent / "tests")

from crash.harness import LOSSY, REAL, Instance, Result, crash  # noqa: E402 - see above

VISITS = 2000


def main() -> int:
    """Run the trials and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--database-url", default="", help="An empty PostgreSQL database; SQLite if left out.")
    options = parser.parse_args()
    print(f"{'':22} {'answered':>9} {'recorded':>9} {'lost':>6} {'doubled':>8} {'extra':>6} {'in flight':>10} {'s':>5}")
    ours = [trial(number, REAL, options) for number in range(options.trials)]
    theirs = trial(0, LOSSY, argparse.Namespace(workers=options.workers, database_url=""))
    lost, doubled = sum(result.lost for result in ours), sum(result.doubled for result in ours)
    answered = sum(result.acked for result in ours)
    print(
        f"\n{options.trials} trials, {answered:,} answered clicks: {lost} lost, {doubled} doubled; a median of "
        f"{statistics.median(result.unanswered_recorded for result in ours):g} recorded whose answers the kill cut off."
    )
    return int(lost + doubled > 0 or theirs.lost == 0)


def trial(number: int, command: list[str], options: argparse.Namespace) -> Result:
    """One kill, one line of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "instance"
        url = options.database_url or f"sqlite:///{name}/shortmcp.db"
        began = time.monotonic()
        result = crash(Instance(folder, url, command, options.workers), kills=1, visits=VISITS)
    title = f"journal, trial {number + 1}" if command is REAL else "in memory for 0.5 s"
    print(
        f"{title:22} {result.acked:9,} {result.recorded:9,} {result.lost:6} {result.doubled:8} "
        f"{result.unanswered_recorded:6} {result.in_flight:10} {time.monotonic() - began:5.1f}",
        flush=True,
    )
    return result


if __name__ == "__main__":
    raise SystemExit(main())
