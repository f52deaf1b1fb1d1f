"""The capacity model: its arithmetic, its costs, and that the page shows what it says."""

import json
import math
import subprocess
import sys
import tomllib
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "bench" / "capacity.py"
PAGE = ROOT / "docs" / "scaling.md"


def load() -> Any:
    spec = spec_from_file_location("capacity", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules["capacity"] = module
    spec.loader.exec_module(module)
    return module


capacity = load()
COSTS: dict[str, float] = dict.fromkeys(capacity.read_costs(), 0.0)


def run(*arguments: str | Path) -> str:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def test_the_page_shows_the_table_of_today_s_costs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert capacity.with_table(text, capacity.read_costs()) == text, "run scripts/tables"
    assert run().strip() in text
    head, _, *rows = run().splitlines()
    assert head == "| clicks a day | 10^6 | 10^7 | 10^8 | 10^9 |"
    assert len(rows) > 10


def test_the_page_is_written_anew_where_a_cost_changes(tmp_path: Path) -> None:
    costs, page = tmp_path / "costs.toml", tmp_path / "page.md"
    known = (ROOT / "bench" / "costs.toml").read_text()
    value = capacity.read_costs()["click_bytes"]
    costs.write_text(known.replace(f"value = {value}", f"value = {value * 2}"))
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    run("--costs", costs, "--write", page)
    changed = [
        line for line in page.read_text(encoding="utf-8").splitlines() if line not in PAGE.read_text().splitlines()
    ]
    assert [line.split("|")[1].strip() for line in changed] == ["raw clicks of 400 days"]


def test_every_cost_says_what_it_is_where_it_comes_from_and_when_it_was_measured() -> None:
    costs = tomllib.loads((ROOT / "bench" / "costs.toml").read_text())
    assert costs.pop("machine").keys() == {"name"}
    for name, cost in costs.items():
        assert cost.keys() == {"value", "what", "source", "date"}, name
        assert cost["value"] > 0
        assert isinstance(cost["date"], date)
        if cost["source"].startswith("bench/"):
            assert (ROOT / cost["source"]).is_file(), name
    # None that nobody reckons with.
    source = SCRIPT.read_text()
    assert [name for name in costs if f'costs["{name}"]' not in source] == []


def test_processor_time_becomes_cores_processes_and_nodes() -> None:
    costs = {**COSTS, "redirect_us": 10.0, "operation_us": 1000.0, "ingest_us": 10.0, "ingest_postgres_us": 50.0}
    # 86.4 million clicks a day are 1,000 a second, 100,000 in the busiest one.
    demand = capacity.Demand(86.4e6, peak=100.0, operations_a_second=200.0, busy=0.5, cores_a_node=4)
    need = capacity.reckon(demand, costs)
    assert need.redirects_a_second == pytest.approx(100_000)
    # Redirects take a core, operations 0.2, and only half of each core may be busy.
    assert need.web_processes == math.ceil(1.2 / 0.5)
    # Counting takes a core, two of which half is busy, and a node counts with one.
    assert need.nodes == 2
    assert need.postgres_cores == pytest.approx(5 / 0.5)
    assert need.postgres_connections == 3 * 13 + 2 * 10


def test_nodes_are_enough_for_web_processes_beside_the_one_that_counts() -> None:
    costs = {**COSTS, "redirect_us": 100.0}
    need = capacity.reckon(capacity.Demand(86.4e6, peak=70.0, busy=1.0, cores_a_node=3), costs)
    assert (need.web_processes, need.nodes) == (7, 4)


def test_disk_grows_with_clicks_days_and_rows() -> None:
    costs = {**COSTS, "click_bytes": 100.0, "visitor_bytes": 10.0, "link_bytes": 1.0, "journal_bytes": 200.0}
    need = capacity.reckon(capacity.Demand(86.4e6, peak=2.0, links=5e6, retention_days=10.0), costs)
    assert need.click_bytes == 86.4e6 * 10 * 100
    assert need.other_bytes == 2 * 86.4e6 * 10 + 5e6
    assert need.journal_bytes_an_hour == pytest.approx(2000 * 3600 * 200)
    assert need.first_to_give == ""
    assert capacity.reckon(capacity.Demand(86.4e6, retention_days=2000.0), costs).first_to_give == "PostgreSQL's disk"


def test_memory_grows_with_known_links_to_a_bound_and_with_connections() -> None:
    costs = {**COSTS, "process_bytes": 1e6, "known_link_bytes": 100.0, "connection_bytes": 10.0}
    memory = [
        capacity.reckon(capacity.Demand(1e6, links=links, connections_a_process=5.0), costs).memory_bytes_a_process
        for links in (1000.0, 1e9)
    ]
    assert memory == [1e6 + 100_000 + 50, 1e6 + 100_000 * 100 + 50]


def test_the_rows_of_a_day_are_those_that_a_drawn_day_makes() -> None:
    random, links, clicks = Random(1), 3000, 30_000  # noqa: S311 - no secret
    weights = [1 / rank for rank in range(1, links + 1)]
    days, quarters, values = set[int](), set[tuple[int, int]](), set[tuple[int, int, int]]()
    for link in random.choices(range(links), weights, k=clicks):
        days.add(link)
        quarters.add((link, random.randrange(96)))
        values.update((link, number, random.randrange(size)) for number, size in enumerate(capacity.VALUES))
    expected = capacity.rows_a_day(clicks, links)
    assert expected == pytest.approx((len(days), len(quarters), len(values)), rel=0.03)


def test_one_demand_is_answered_as_text_and_as_json() -> None:
    given = ("--clicks-a-day", "1e8", "--links", "1e6", "--peak", "10")
    answered = json.loads(run(*given, "--json"))
    need = capacity.reckon(capacity.Demand(1e8, links=1e6, peak=10.0), capacity.read_costs())
    assert answered["need"] == vars(need)
    assert f"{need.redirects_a_second:,.1f}" in run(*given)
