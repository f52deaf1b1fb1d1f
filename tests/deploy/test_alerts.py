"""The alerts: every number in them is one that the server shows, and every number that it shows is explained."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from calls import make_link
from factories import TLS, Server, start_server
from shortmcp.core.errors import Code
from shortmcp.settings import Settings

ROOT = Path(__file__).parent.parent.parent
FILE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text())
RULES: list[dict[str, Any]] = [rule for group in FILE["groups"] for rule in group["rules"]]
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
NAME = re.compile(r"\bshortmcp_[a-z_]+")


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A server with every number there is: also those about a Redis, which need not answer."""
    with ExitStack() as stack:
        yield start_server(settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1")}), stack)


def shown(server: Server) -> tuple[set[str], set[str]]:
    """The names of the samples, and of the metrics that they belong to as people know them."""
    with server.client(server.open_workspace()) as client:
        make_link(client)
    text = httpx2.get(f"{server.url}/metrics", trust_env=False, verify=TLS).text
    families = list(text_string_to_metric_families(text))
    samples = {sample.name for family in families for sample in family.samples}
    samples = {name for name in samples if not name.endswith("_created")}
    parts = re.compile("_(bucket|count|sum)$")
    return samples, {parts.sub("", name) for name in samples}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_alerts_ask_for_numbers_that_there_are_and_the_page_names_them_all(server: Server) -> None:
    samples, metrics = shown(server)
    asked = {name for rule in RULES for name in NAME.findall(rule["expr"])}
    assert len(asked) > 10
    assert asked <= samples
    assert set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)) == metrics


def test_alerts_ask_for_outcomes_that_there_are() -> None:
    asked = [found for rule in RULES for found in re.findall(r'outcome=~"([^"]+)"', rule["expr"])]
    assert asked == [f"error|{Code.UNAVAILABLE}"]


def test_every_alert_has_a_name_of_its_own_says_how_urgent_it_is_and_what_is_the_matter() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["expr"].count("(") == rule["expr"].count(")")
