"""The systemd units: systemd reads them, their commands exist, and what they may do is little."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from processes import SHORTMCP
from shortmcp.cli import COMMANDS
from shortmcp.settings import PREFIX, Settings

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "systemd"
UNITS = ("shortmcp.service", "shortmcp-worker.service")
STRICT = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
    "StateDirectoryMode": "0700",
}


@pytest.fixture
def analyze() -> str:
    """systemd-analyze: skipped where it is missing, in CI it must be there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        assert not os.environ.get("CI"), "systemd-analyze is missing"
        pytest.skip("systemd-analyze is missing: THE UNITS ARE NOT TRIED")
    return program


def options(unit: str) -> dict[str, str]:
    pairs = re.findall(r"^([A-Z]\w+)=(.*)$", (FOLDER / unit).read_text(), re.MULTILINE)
    found = dict(pairs)
    assert len(found) == len(pairs), "an option that stands twice"
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong(analyze: str, unit: str, tmp_path: Path) -> None:
    text = (FOLDER / unit).read_text()
    command = options(unit)["ExecStart"].split()[0]
    assert command == "/opt/shortmcp/bin/shortmcp"
    copy = tmp_path / unit
    copy.write_text(text.replace(command, str(SHORTMCP)))
    done = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    # Of ten, which is what a service without any limits gets.
    rated = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", copy]
    subprocess.run(rated, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("unit", UNITS)
def test_units_run_real_commands_as_somebody_who_may_do_little(unit: str) -> None:
    found = options(unit)
    assert found["ExecStart"].split()[1:] == ["worker" if "worker" in unit else "serve"]
    assert found["ExecStart"].split()[1] in COMMANDS
    assert found.items() >= STRICT.items()
    assert found["User"] not in {"", "root"}
    assert (found["Restart"], found["LimitNOFILE"]) == ("always", "65536")
    # A stop may take five seconds.
    assert 5 < int(found["TimeoutStopSec"]) < 30


def test_both_units_have_the_same_data_and_settings() -> None:
    serving, working = (options(unit) for unit in UNITS)
    name, folder = serving["Environment"].split("=")
    assert name.removeprefix(PREFIX).lower() in Settings.model_fields
    assert folder == f"/var/lib/{serving['StateDirectory']}" == serving["WorkingDirectory"]
    assert {key for key in serving.keys() | working.keys() if serving.get(key) != working.get(key)} == {
        "Description",
        "ExecStart",
        "KillMode",
    }
    assert "SHORTMCP_WORKER=no" in (FOLDER / "shortmcp-worker.service").read_text()
    assert "worker" in Settings.model_fields
