"""PostgreSQL stops, hangs or comes back empty under load: known links go on, no click is lost, the API says so."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from clusters import Cluster, run_postgres
from crash.harness import Instance, Load, judge, make_link, wait_until
from processes import SHORTMCP, Process

VISITS = 300


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with run_postgres() as running:
        yield running


@dataclass(frozen=True)
class Node:
    """A running node, its files, and the name of its database."""

    cluster: Cluster
    name: str
    instance: Instance
    process: Process


@pytest.fixture(scope="module")
def node(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    name = "shortmcp"
    instance = Instance(tmp_path_factory.mktemp("node") / "instance", cluster.create(name))
    with instance.run() as process:
        yield Node(cluster, name, instance, process)


def replace(cluster: Cluster, name: str) -> None:
    """As a failover to a replica that has nothing."""
    with cluster.connect() as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        admin.execute(f"ALTER DATABASE {name} RENAME TO {name}_kept".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())


def put_back(cluster: Cluster, name: str) -> None:
    with cluster.connect() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        admin.execute(f"ALTER DATABASE {name}_kept RENAME TO {name}".encode())
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


FAULTS: dict[str, tuple[Callable[[Cluster, str], object], Callable[[Cluster, str], object]]] = {
    "stopped": (lambda cluster, _: cluster.stop(), lambda cluster, _: cluster.start()),
    "frozen": (lambda cluster, _: cluster.freeze(), lambda cluster, _: cluster.thaw()),
    "replaced by an empty one": (replace, put_back),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_known_links_go_on_and_no_click_is_lost(node: Node, fault: str) -> None:
    begin, end = FAULTS[fault]
    process = node.process
    with node.cluster.connect(node.name) as admin:
        # Those of the fault before have the same numbers.
        admin.execute("DELETE FROM clicks")
    load = Load(make_link(process), rest=0.01)
    with load.on(process.url):
        load.wait_for(VISITS)
        begin(node.cluster, node.name)
        try:
            # Several times round: also after everybody has noticed.
            for _ in range(3):
                answer = ask(process)
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
                load.wait_for(VISITS)
            assert visit(process, "unknown") == 503
        finally:
            end(node.cluster, node.name)
        wait_until(lambda: ask(process).status_code == 200)
        load.wait_for(VISITS)
    assert visit(process, "unknown") == 404
    wait_until(lambda: not load.acked - node.instance.clicks().keys())
    assert load.cut_off == 0
    result = judge(load, node.instance.clicks())
    assert (result.lost, result.doubled, result.unanswered_recorded) == (0, 0, 0), result


def ask(process: Process) -> httpx2.Response:
    token = process.output.read_text().split("\n\n  ")[1].split()[0]
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{process.url}/api/v1/projects", headers=headers, timeout=30, trust_env=False)


def visit(process: Process, code: str) -> int:
    return httpx2.get(f"{process.url}/{code}", timeout=30, trust_env=False).status_code


def test_a_node_that_has_had_data_does_not_start_on_an_empty_database(cluster: Cluster, tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", cluster.create("nothing"))
    (tmp_path / "instance" / "data" / "clicks").mkdir(parents=True)
    refused = instance.start()
    assert refused.popen.wait(60) == 1
    assert "The database is empty, but" in refused.errors.read_text()
    options = ["--data-dir", str(instance.folder / "data"), "--database-url", instance.database_url]
    subprocess.run([SHORTMCP, "migrate", *options], check=True, capture_output=True)
    with instance.run() as process:
        assert "Your read & write token" in process.output.read_text()
