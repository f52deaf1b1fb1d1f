"""The compose file: its settings are ours, its secrets come from outside, its nodes do not collide."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import yaml

from shortmcp.settings import PREFIX, Settings

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
FILE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
NODES = ("shortmcp", "second")
REFERENCE = re.compile(r"\$\{(\w+)(:[?-])?")


def environment(service: str) -> dict[str, str]:
    return SERVICES[service]["environment"]


def example() -> dict[str, str]:
    lines = (DEPLOY / "env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_there_are_two_nodes_a_database_a_redis_and_a_proxy() -> None:
    assert set(SERVICES) == {*NODES, "nginx", "postgres", "redis"}
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["second", "nginx"]
    for node in NODES:
        assert (DEPLOY / SERVICES[node]["build"]["context"] / SERVICES[node]["build"]["dockerfile"]).is_file()


def test_every_setting_is_one() -> None:
    for node in NODES:
        names = {name.removeprefix(PREFIX).lower() for name in environment(node)}
        assert len(names) == len(environment(node))
        # Comes with the other half of this change.
        assert names <= Settings.model_fields.keys()


def test_the_values_are_such_as_the_settings_take() -> None:
    given = {name: REFERENCE.sub("", value).strip("}") for name, value in environment("shortmcp").items()}
    given["SHORTMCP_DATABASE_URL"] = "postgresql://shortmcp:x@postgres/shortmcp"
    fields: dict[str, Any] = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    fields |= {"base_url": "https://links.example.com", "secret_key": "x" * 64}
    settings = Settings.model_validate(fields)
    (subnet,) = FILE["networks"]["inside"]["ipam"]["config"]
    assert settings.trusted_proxies == (ip_network(subnet["subnet"]),)


def test_nodes_are_alike_but_have_journals_of_their_own() -> None:
    first, second = (SERVICES[node] for node in NODES)
    assert environment("shortmcp") == environment("second")
    assert first["volumes"] != second["volumes"]
    for node in NODES:
        (mount,) = SERVICES[node]["volumes"]
        volume, folder = mount.split(":")
        assert volume in FILE["volumes"]
        assert f"SHORTMCP_DATA_DIR={folder}\n" in (DEPLOY / "Dockerfile").read_text()


def test_secrets_come_from_the_environment_file_and_go_to_those_alone_who_need_them() -> None:
    wanted = {name: set(REFERENCE.findall(str(service.get("environment", {})))) for name, service in SERVICES.items()}
    demanded = {name: {variable for variable, how in found if how == ":?"} for name, found in wanted.items()}
    assert demanded["shortmcp"] == {"SHORTMCP_BASE_URL", "SHORTMCP_SECRET_KEY", "POSTGRES_PASSWORD"}
    assert demanded["postgres"] == {"POSTGRES_PASSWORD"}
    assert {variable for found in wanted.values() for variable, _ in found} == example().keys()
    assert all(value == "" for value in example().values())


def test_what_is_published_is_published_on_this_machine_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"shortmcp", "nginx"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert published["shortmcp"][0].endswith(f":{Settings.model_fields['port'].default}")


def test_everybody_says_whether_they_are_well_and_waits_for_those_they_need() -> None:
    healthy = "condition", "service_healthy"
    for name, service in SERVICES.items():
        # The nodes' check is in their image.
        assert "healthcheck" in service or name in NODES
        assert dict([healthy]) in service.get("depends_on", {"": dict([healthy])}).values()
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        assert service["networks"] == ["inside"]
    assert set(SERVICES["shortmcp"]["depends_on"]) == {"postgres", "redis"}


def test_what_nginx_mounts_is_there_and_names_the_nodes() -> None:
    files = [DEPLOY / mount.split(":")[0] for mount in SERVICES["nginx"]["volumes"]]
    upstream = next(file for file in files if "upstream" in file.name).read_text()
    assert re.findall(r"server (\w+):8000;", upstream) == list(NODES)
    assert next(file for file in files if "upstream" not in file.name).is_file()


def test_there_is_more_time_to_stop_than_a_stop_may_take() -> None:
    assert all(SERVICES[node]["stop_grace_period"] == "15s" for node in NODES)
