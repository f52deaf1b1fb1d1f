"""What an instance of some size needs: nodes, cores, memory, disk, PostgreSQL's cores and connections.

Arithmetic alone, on the measured costs in costs.toml. Without options it prints the table of docs/scaling.md, a column
for each size from a million to a billion clicks a day; `--write FILE` puts it between FILE's marks.
"""

import argparse
import json
import math
import re
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

COSTS = Path(__file__).with_name("costs.toml")
SIZES = (10**6, 10**7, 10**8, 10**9)
SECONDS = 86_400
QUARTERS = 96
# How many values a dimension of a busy link has: referrers, countries, languages, devices, systems, browsers.
VALUES = (200, 60, 30, 3, 5, 5)
# What a web process holds of PostgreSQL's connections, and the process that counts: docs/scaling.md.
WEB_CONNECTIONS, WORKER_CONNECTIONS = 13, 10
KNOWN_LINKS = 100_000
# Where a plan must change: what one machine of today still does well.
POSTGRES_CORES, POSTGRES_BYTES, POSTGRES_CONNECTIONS = 32, 10e12, 500
Costs = dict[str, float]


@dataclass(frozen=True)
class Demand:
    """What is asked of an instance; `peak` is the busiest second's multiple of the average one."""

    clicks_a_day: float
    peak: float = 4.0
    links: float = 100_000.0
    operations_a_second: float = 10.0
    retention_days: float = 400.0
    connections_a_process: float = 1_000.0
    cores_a_node: int = 8
    # So much of a core may be busy in the busiest second.
    busy: float = 0.6


@dataclass(frozen=True)
class Need:
    """What that takes; bytes are bytes, and all of PostgreSQL's are without copies and log."""

    redirects_a_second: float
    web_processes: int
    nodes: int
    memory_bytes_a_process: float
    journal_bytes_an_hour: float
    postgres_cores: float
    postgres_connections: int
    click_bytes: float
    count_bytes: float
    other_bytes: float
    first_to_give: str


def read_costs(path: Path = COSTS) -> Costs:
    """The values by name."""
    with path.open("rb") as file:
        return {name: cost["value"] for name, cost in tomllib.load(file).items() if "value" in cost}


def reckon(demand: Demand, costs: Costs) -> Need:
    """From what is asked to what is needed."""
    peak = demand.clicks_a_day / SECONDS * demand.peak
    web = cores(peak * costs["redirect_us"] + demand.operations_a_second * costs["operation_us"], demand)
    # On each node one process counts clicks, with a core of its own: where it is not enough, there must be more nodes.
    counting = cores(peak * costs["ingest_us"], demand)
    nodes = max(1, math.ceil(counting), math.ceil(web / max(1, demand.cores_a_node - 1)))
    processes = max(nodes, math.ceil(web))
    postgres = cores(
        peak * costs["ingest_postgres_us"] + demand.operations_a_second * costs["operation_postgres_us"], demand
    )
    clicks, counts, others = disk(demand, costs)
    connections = processes * WEB_CONNECTIONS + nodes * WORKER_CONNECTIONS
    return Need(
        redirects_a_second=peak,
        web_processes=processes,
        nodes=nodes,
        memory_bytes_a_process=memory(demand, costs),
        journal_bytes_an_hour=peak * 3600 * costs["journal_bytes"] / nodes,
        postgres_cores=postgres,
        postgres_connections=connections,
        click_bytes=clicks,
        count_bytes=counts,
        other_bytes=others,
        first_to_give=limit(postgres, connections, clicks + counts + others),
    )


def cores(microseconds: float, demand: Demand) -> float:
    """Cores that do so many microseconds of work in a second and have room left."""
    return microseconds / 1e6 / demand.busy


def memory(demand: Demand, costs: Costs) -> float:
    """Bytes of a web process: itself, the links that it knows, the connections that visitors keep open."""
    links = min(demand.links, KNOWN_LINKS) * costs["known_link_bytes"]
    return costs["process_bytes"] + links + demand.connections_a_process * costs["connection_bytes"]


def disk(demand: Demand, costs: Costs) -> tuple[float, float, float]:
    """Bytes of raw clicks, of counts, and of the rest: two days' visitors, and links."""
    days, quarters, values = rows_a_day(demand.clicks_a_day, demand.links)
    counts = days * costs["day_bytes"] + quarters * costs["quarter_bytes"] + values * costs["value_bytes"]
    others = 2 * demand.clicks_a_day * costs["visitor_bytes"] + demand.links * costs["link_bytes"]
    return (
        demand.clicks_a_day * demand.retention_days * costs["click_bytes"],
        counts * demand.retention_days,
        others,
    )


def rows_a_day(clicks: float, links: float) -> tuple[float, float, float]:
    """Rows of link_days, link_quarters and link_values that one day's clicks make, links being visited by Zipf.

    Of `n` equally likely values `c` clicks meet n * (1 - exp(-c / n)).
    """
    harmonic = math.log(links) + 0.5772 if links > 1 else 1.0
    found = [0.0, 0.0, 0.0]
    for first, last in ranks(links):
        middle, number = math.sqrt(first * last), last - first + 1
        visits = clicks / harmonic / middle
        met = [met_values(visits, size) for size in (1, QUARTERS, *VALUES)]
        for place, rows in enumerate((met[0], met[1], sum(met[2:]))):
            found[place] += number * rows
    return found[0], found[1], found[2]


def met_values(clicks: float, values: int) -> float:
    """How many of so many values so many clicks are expected to meet."""
    return values * -math.expm1(-clicks / values)


def ranks(links: float) -> list[tuple[float, float]]:
    """Ranges of ranks that double, so that a billion links are thirty of them."""
    found, first = [], 1.0
    while first <= links:
        last = min(first * 2 - 1, links)
        found.append((first, last))
        first = last + 1
    return found


def limit(postgres_cores: float, connections: int, size: float) -> str:
    """What no longer fits on one PostgreSQL; empty where everything does."""
    over = {
        "PostgreSQL's cores": postgres_cores / POSTGRES_CORES,
        "PostgreSQL's disk": size / POSTGRES_BYTES,
        "PostgreSQL's connections": connections / POSTGRES_CONNECTIONS,
    }
    worst = max(over, key=lambda name: over[name])
    return worst if over[worst] > 1 else ""


def demand_of(clicks: float) -> Demand:
    """The demand that the table takes for an instance of a size: links and operations grow with the clicks."""
    return Demand(clicks, links=max(10_000, clicks / 20), operations_a_second=max(10.0, clicks / SECONDS / 20))


def table(costs: Costs) -> str:
    """The table of docs/scaling.md."""
    demands = [demand_of(clicks) for clicks in SIZES]
    needs = [reckon(demand, costs) for demand in demands]
    rows = {
        "clicks a day": [f"10^{round(math.log10(demand.clicks_a_day))}" for demand in demands],
        "links": [f"{demand.links:,.0f}" for demand in demands],
        "operations a second": [f"{demand.operations_a_second:,.0f}" for demand in demands],
        "redirects in the busiest second": [f"{need.redirects_a_second:,.0f}" for need in needs],
        "web processes": [f"{need.web_processes:,}" for need in needs],
        f"nodes of {demands[0].cores_a_node} cores": [f"{need.nodes:,}" for need in needs],
        "memory of a web process": [amount(need.memory_bytes_a_process) for need in needs],
        "journal of a node for an hour without a database": [amount(need.journal_bytes_an_hour) for need in needs],
        "PostgreSQL's cores": [f"{need.postgres_cores:,.1f}" for need in needs],
        "PostgreSQL's connections": [f"{need.postgres_connections:,}" for need in needs],
        "raw clicks of 400 days": [amount(need.click_bytes) for need in needs],
        "counts of 400 days": [amount(need.count_bytes) for need in needs],
        "links, and visitors of two days": [amount(need.other_bytes) for need in needs],
        "what one PostgreSQL does not hold": [need.first_to_give or "-" for need in needs],
    }
    head, *body = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join([head, "|---|" + "---:|" * len(SIZES), *body])


def amount(size: float) -> str:
    """Bytes as people read them, in two figures or three."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1000:  # decimal, as disks are sold
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} PB"


def main() -> None:
    """Answer for one demand, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in asdict(Demand(0.0)).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=None if name == "clicks_a_day" else default
        )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--costs", type=Path, default=COSTS)
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = vars(parser.parse_args())
    as_json, costs, page = options.pop("json"), read_costs(options.pop("costs")), options.pop("write")
    if page is not None:
        page.write_text(with_table(page.read_text(encoding="utf-8"), costs), encoding="utf-8")
    elif options["clicks_a_day"] is None:
        print(table(costs))
    else:
        answer(Demand(**options), costs, as_json=as_json)


def answer(demand: Demand, costs: Costs, *, as_json: bool) -> None:
    """Print what one demand needs."""
    need: dict[str, Any] = asdict(reckon(demand, costs))
    if as_json:
        print(json.dumps({"demand": asdict(demand), "need": need}))
        return
    for name, value in need.items():
        shown = amount(value) if "bytes" in name else value if isinstance(value, str) else f"{value:,.1f}"
        print(f"{name.replace('_', ' '):<26}{shown}")


def with_table(text: str, costs: Costs) -> str:
    """`text` with the table between its marks."""
    found = re.compile("(<!-- capacity -->\n).*?(<!-- /capacity -->)", re.DOTALL)
    if not found.search(text):
        sys.exit("The file has no <!-- capacity --> and <!-- /capacity -->.")
    return found.sub(lambda match: f"{match[1]}{table(costs)}\n{match[2]}", text)


if __name__ == "__main__":
    main()
