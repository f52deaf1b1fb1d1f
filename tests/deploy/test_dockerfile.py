"""The Dockerfile: what it copies is there, what it runs exists, and nothing secret can get in."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from factories import Server, free_port
from shortmcp.cli import COMMANDS
from shortmcp.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
KNOWN = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}
KNOWN_AT_THE_END = {"HEALTHCHECK", "ENTRYPOINT", "CMD"}
PIP = [str(ROOT / ".tools" / "bin" / "python"), "-m", "pip"]
# What the base image has, beside what the image itself installs.
BASE = {"apt-get", "python", "groupadd", "useradd", "install"}


def instructions() -> list[tuple[str, str]]:
    """Each instruction and what follows it, in order, comments left out and lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(name, rest) for name, rest in found]


def those(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def copied_from_the_repository() -> list[str]:
    return [source for rest in those("COPY") if "--from" not in rest for source in rest.split()[:-1]]


def ignored(path: str) -> bool:
    rules = [line for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines() if line]
    verdict = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        if not rule.startswith("#") and (fnmatch(path, pattern) or path.startswith(f"{pattern}/")):
            verdict = not rule.startswith("!")
    return verdict


def test_every_instruction_is_one_and_what_runs_stands_on_the_base_it_was_made_on() -> None:
    assert {name for name, _ in instructions()} == KNOWN | KNOWN_AT_THE_END
    bases = [rest.split()[0] for rest in those("FROM")]
    assert len(bases) == 2
    assert set(bases) == {"python:3.11-slim-bookworm"}
    assert "/" not in bases[0], "the name of an image, and no address of a registry"


def test_what_is_copied_is_in_git_and_reaches_the_build() -> None:
    sources = copied_from_the_repository()
    assert len(sources) > 5
    for source in sources:
        listed = subprocess.run(["git", "ls-files", source], cwd=ROOT, capture_output=True, text=True, check=True)
        assert listed.stdout, source
        assert not ignored(source), source
    for private in (".env", "deploy/.env", ".venv", ".git", "shortmcp-data", "tests"):
        assert ignored(private), private


def test_everything_that_is_packed_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert set(packed) <= set(copied_from_the_repository())


def test_what_is_run_exists() -> None:
    made = {"/opt/shortmcp/bin/pip", "/opt/build/bin/pip"}
    for rest in those("RUN"):
        for command in rest.split("&&"):
            words = shlex.split(command)
            assert words[0] in BASE | made, command
            if words[0].endswith("pip"):
                asked = [*PIP, words[1], "--help"]
                help_text = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
                assert [word for word in words[2:] if word.startswith("--") and word not in help_text] == []
    assert json.loads(those("ENTRYPOINT")[0]) == ["shortmcp"]
    (command,) = json.loads(those("CMD")[0])
    assert command in COMMANDS


def test_packages_are_installed_by_their_hashes_alone() -> None:
    installs = [
        command for rest in those("RUN") for command in rest.split("&&") if " install " in command and "pip" in command
    ]
    assert len(installs) == 3
    for command in installs:
        assert "--require-hashes" in command or ("--no-deps" in command and "--no-index" in command), command
    for lock in re.findall(r"--requirement (\S+)", " ".join(installs)):
        assert "--hash=sha256:" in (ROOT / lock).read_text()
        assert lock in copied_from_the_repository()


def test_it_runs_as_nobody_in_particular_and_keeps_its_data_in_a_volume() -> None:
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert those("USER") == ["shortmcp"]
    assert any("useradd" in rest and "--uid 10001" in rest for rest in those("RUN"))
    given = dict(pair.split("=", 1) for rest in those("ENV") for pair in rest.split())
    settings = {name for name in given if name.startswith(PREFIX)}
    assert settings == {"SHORTMCP_HOST", "SHORTMCP_DATA_DIR"}
    assert all(name.removeprefix(PREFIX).lower() in Settings.model_fields for name in settings)
    assert those("VOLUME") == [given["SHORTMCP_DATA_DIR"]]
    assert those("EXPOSE") == [str(Settings.model_fields["port"].default)]
    # What `shortmcp serve` ends at cleanly.
    assert those("STOPSIGNAL") == ["SIGTERM"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_check_of_health_ends_well_where_a_server_answers_and_badly_where_none_does(server: Server) -> None:
    (check,) = those("HEALTHCHECK")
    program, inside = json.loads(check[check.index("CMD") + 3 :])
    assert (program, inside) == ("python", those("COPY")[-1].split()[-1])
    script = ROOT / those("COPY")[-1].split()[0]
    results: list[int] = []
    for port in (server.node.settings.port, free_port()):
        environment = {"SHORTMCP_PORT": str(port), "HTTP_PROXY": "http://127.0.0.1:1"}
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, check=False, timeout=30)
        results.append(done.returncode)
    assert results == [0, 1]
