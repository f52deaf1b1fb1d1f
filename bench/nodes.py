"""What it costs when PostgreSQL or Redis fails under load, and how soon a change is felt on another node.

Starts PostgreSQL and Redis servers of its own, two nodes, and stops, freezes, fills and kills what they stand on. Ends
with status 1 where a visit of a known link was not redirected, a click was lost or doubled, the API answered anything
but 200 and 503 or took more than five seconds for it, needed more than five to be back, lost more than 50 ms to a Redis
that had failed, or where a change was felt after more than a second.
"""

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx2

# In place of this folder, where `redis` and `nodes` may be something else.
sys.path[0] = str(Path(__file__).parent.parent / "tests")

from sqlalchemy import text  # noqa: E402

from calls import make_link  # noqa: E402 - see above
from clusters import Cluster, run_postgres  # noqa: E402
from crash.harness import Load, wait_until  # noqa: E402
from factories import TLS, Access, Server  # noqa: E402
from nodes.pairs import Pair, run_pair  # noqa: E402
from redises import RedisServer, run_redis  # noqa: E402
from shortmcp.adapters.database import Database  # noqa: E402
from shortmcp.adapters.schema import migrate  # noqa: E402
from shortmcp.core.tokens import revoke_token  # noqa: E402

SECONDS = 6.0
API_SECONDS, RECOVERY_SECONDS, FELT_SECONDS, ADDED_SECONDS = 5.0, 5.0, 1.0, 0.05
REQUESTS = 300
ROUNDS = 3
CHANGES = 20
CONNECTIONS = 60


@dataclass(frozen=True)
class Times:
    """Seconds that requests took: the one in the middle, the 99th of a hundred, and the first."""

    median: float
    p99: float
    first: float

    def better(self, other: "Times") -> "Times":
        """The best of both, each by itself."""
        return Times(min(self.median, other.median), min(self.p99, other.p99), min(self.first, other.first))


def main() -> int:
    """Run every trial and print the tables."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "plans.toml").write_text("[bench]\nrequests_per_minute = 100000000\n")
        os.environ["SHORTMCP_PLANS"] = str(folder / "plans.toml")
        cluster = stack.enter_context(run_postgres("-c", f"max_connections={CONNECTIONS}"))
        database = Database(cluster.create("shortmcp"))
        migrate(database)
        database.close()
        redis = stack.enter_context(run_redis())
        pair = stack.enter_context(run_pair(folder, cluster.url("shortmcp"), redis))
        pair.wait_for_redis()
        good = [*redis_trials(pair, redis), *news_trials(pair), *postgres_trials(pair, cluster)]
    return int(not all(good))


def redis_trials(pair: Pair, redis: RedisServer) -> Generator[bool]:
    """A limited request while Redis is there, and from the moment on when it is not."""
    print(f"{'Redis':26} {'median ms':>10} {'p99 ms':>8} {'first ms':>9} {'added ms':>9}")
    faults: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "hangs": (redis.freeze, redis.thaw),
        "is out of memory": (lambda: limit_memory(redis, "1"), lambda: limit_memory(redis, "0")),
        "was killed": (redis.kill, redis.start),
    }
    access = pair.one.open_workspace(plan="bench")
    best = dict.fromkeys(["answers", *faults], Times(1.0, 1.0, 1.0))
    # They take turns: other work on the machine takes from one and adds to none.
    for _ in range(ROUNDS):
        best["answers"] = best["answers"].better(measure(pair.one, access))
        for name, (begin, end) in faults.items():
            begin()
            best[name] = best[name].better(measure(pair.one, access))
            end()
            pair.wait_for_redis()
    for name, times in best.items():
        added = max(times.p99, times.first) - best["answers"].p99
        print(
            f"{name:26} {times.median * 1000:10.2f} {times.p99 * 1000:8.2f} {times.first * 1000:9.2f} "
            f"{added * 1000:9.2f}",
            flush=True,
        )
        yield added < ADDED_SECONDS


def limit_memory(redis: RedisServer, size: str) -> None:
    """Let Redis take no more than so much; 0 for no limit."""
    redis.ask("CONFIG", "SET", "maxmemory", size)


def measure(server: Server, access: Access) -> Times:
    """Many requests, one after the other, over some seconds."""
    taken: list[float] = []
    with server.client(access) as client:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            answer = client.get("/me")
            taken.append(time.perf_counter() - began)
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code}: {answer.text}")
            time.sleep(0.005)
    return Times(statistics.median(taken), statistics.quantiles(taken, n=100)[98], taken[0])


def news_trials(pair: Pair) -> Generator[bool]:
    """How soon the other node redirects elsewhere, and refuses a token that was revoked."""
    print(f"\n{'felt on the other node':26} {'median ms':>10} {'slowest ms':>11}")
    access = pair.one.open_workspace()
    with pair.one.client(access) as client:
        code = make_link(client)["short_code"]
        yield show_felt("a changed link", [time_change(pair, client, code, number) for number in range(CHANGES)])
    yield show_felt("a revoked token", [time_revoking(pair) for _ in range(CHANGES)])


def time_change(pair: Pair, client: httpx2.Client, code: str, number: int) -> float:
    """Seconds from the answer to a change to its first redirect on the other node."""
    pair.other.visit(code)
    wanted = f"https://example.com/{number}"
    client.patch(f"/links/{code}", json={"original_url": wanted}).raise_for_status()
    began = time.perf_counter()
    wait_until(lambda: pair.other.visit(code).headers["location"] == wanted)
    return time.perf_counter() - began


def time_revoking(pair: Pair) -> float:
    """Seconds from a token's revoking beside the nodes to its first refusal on the other node."""
    access = pair.one.open_workspace()
    with pair.other.client(access) as client:
        client.get("/me").raise_for_status()
        with pair.one.begin() as ctx:
            revoke_token(ctx, access.token_id)
        began = time.perf_counter()
        wait_until(lambda: client.get("/me").status_code == 401)
        return time.perf_counter() - began


def show_felt(name: str, taken: list[float]) -> bool:
    """One line of the table."""
    print(f"{name:26} {statistics.median(taken) * 1000:10.1f} {max(taken) * 1000:11.1f}", flush=True)
    return max(taken) < FELT_SECONDS


def postgres_trials(pair: Pair, cluster: Cluster) -> Generator[bool]:
    """Load on both faces of a node while PostgreSQL is gone for some seconds."""
    heads = ("redirects", "refused", "API 200", "503", "other", "slowest s", "back after s", "lost", "doubled")
    print(f"\n{'PostgreSQL for ' + format(SECONDS, '.0f') + ' s':26} " + " ".join(f"{head:>12}" for head in heads))
    held = ExitStack()
    faults: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "stopped (immediate)": (cluster.stop, cluster.start),
        "frozen": (cluster.freeze, cluster.thaw),
        "restarted, no connections": (lambda: take_connections(cluster, held), held.close),
    }
    for name, (begin, end) in faults.items():
        yield try_fault(pair.one, cluster, name, begin, end)


def take_connections(cluster: Cluster, held: ExitStack) -> None:
    """Start the server anew and be faster than everybody else."""
    cluster.stop()
    cluster.start()
    for _ in range(CONNECTIONS):
        try:
            held.enter_context(cluster.connect())
        except Exception:  # noqa: BLE001 - it is full
            return


def try_fault(
    server: Server, cluster: Cluster, name: str, begin: Callable[[], object], end: Callable[[], object]
) -> bool:
    """One fault under load, and what came of it."""
    with cluster.connect("shortmcp") as admin:
        admin.execute("DELETE FROM clicks")
    access = server.open_workspace()
    with server.client(access) as client:
        load = Load(make_link(client)["short_code"], most=10_000_000)
    with load.on(server.url), asking(server, access) as answers:
        load.wait_for(500)
        before = len(load.acked)
        begin()
        time.sleep(SECONDS)
        during = len(load.acked) - before
        end()
        back = time.perf_counter()
        wait_until(lambda: answers and answers[-1][0] > back and answers[-1][1] == 200)
        recovery = answers[-1][0] - back
        load.wait_for(500)
    wait_until(lambda: not load.acked - recorded(cluster).keys(), seconds=60)
    return show_fault(name, load, during, answers, recovery, recorded(cluster))


@contextmanager
def asking(server: Server, access: Access) -> Generator[list[tuple[float, int, float]]]:
    """Ask the API again and again: when each answer came, its status, and the seconds that it took."""
    answers, stop = list[tuple[float, int, float]](), Event()

    def ask_on() -> None:
        headers = {"Authorization": f"Bearer {access.token}"}
        while not stop.wait(0.02):
            began = time.perf_counter()
            answer = httpx2.get(
                f"{server.url}/api/v1/projects", headers=headers, timeout=60, trust_env=False, verify=TLS
            )
            status = answer.status_code if answer.status_code != 503 or "retry-after" in answer.headers else 0
            answers.append((time.perf_counter(), status, time.perf_counter() - began))

    thread = Thread(target=ask_on)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def recorded(cluster: Cluster) -> Counter[str]:
    """How often each visit is recorded."""
    database = Database(cluster.url("shortmcp"))
    with database.read() as connection:
        found = Counter(connection.execute(text("SELECT utm_content FROM clicks")).scalars().all())
    database.close()
    return found


def show_fault(
    name: str, load: Load, during: int, answers: list[tuple[float, int, float]], recovery: float, clicks: Counter[str]
) -> bool:
    """One line of the table."""
    statuses = Counter(status for _, status, _ in answers)
    other = sum(number for status, number in statuses.items() if status not in {200, 503})
    slowest = max(seconds for _, _, seconds in answers)
    refused = load.refused.total() + load.cut_off
    lost, doubled = len(load.acked - clicks.keys()), sum(times - 1 for times in clicks.values())
    shown = (during, refused, statuses[200], statuses[503], other, f"{slowest:.2f}", f"{recovery:.2f}", lost, doubled)
    print(f"{name:26} " + " ".join(f"{value:>12}" for value in shown), flush=True)
    good = refused == other == lost == doubled == 0 < min(during, statuses[503])
    return good and slowest < API_SECONDS and recovery < RECOVERY_SECONDS


if __name__ == "__main__":
    raise SystemExit(main())
