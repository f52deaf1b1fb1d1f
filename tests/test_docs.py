"""What the README promises is true: its tables, its examples, its configuration snippets."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from docs_tables import README, with_tables
from factories import Server
from shortmcp.cli import COMMANDS
from shortmcp.core.events.announcing import Event
from shortmcp.core.webhooks.outcomes import DELAYS

TEXT = README.read_text(encoding="utf-8")
ROOT = README.parent
TOKEN_FORM = re.compile(r"\b1\|X+")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_the_tables_are_those_of_the_code() -> None:
    assert with_tables(TEXT) == TEXT, "run scripts/tables"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_curl_example_works_as_it_stands(server: Server, tmp_path: Path) -> None:
    access = server.open_workspace()
    examples = [block for block in blocks("sh") if block.startswith("curl ")]
    assert len(examples) == 4
    for example in examples:
        command = example.replace("http://127.0.0.1:8000", server.url).replace("TOKEN", access.token)
        arguments = [*shlex.split(command.replace("\\\n", " ")), "--fail-with-body", "--noproxy", "*"]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        if "-o" not in arguments:
            assert "launch" in json.dumps(json.loads(done.stdout)["data"])
    assert (tmp_path / "launch.svg").read_text().startswith("<svg ")


def test_every_json_snippet_is_json_and_names_the_endpoint() -> None:
    snippets = [json.loads(block) for block in blocks("json")]
    assert len(snippets) == 3
    assert all("http://127.0.0.1:8000/mcp" in json.dumps(snippet) for snippet in snippets)


def test_the_printed_snippet_has_the_form_of_the_example_file() -> None:
    printed = next(block for block in blocks("text") if "mcpServers" in block)
    snippet = json.loads(TOKEN_FORM.sub("TOKEN", printed[printed.index("{") :]))
    assert snippet == json.loads((ROOT / "mcp-config.example.json").read_text())


def test_the_page_on_webhooks_names_every_event_and_the_whole_schedule() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([a-z.]+)`", "".join(rows))) == sorted(Event)
    minutes = [delay / 60 for delay in DELAYS]
    assert minutes == [5 / 60, 5, 30, *(hours * 60 for hours in (2, 5, 10, 14, 20, 24))]
    assert "after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours, ten times in 75 hours" in page


def test_every_line_of_the_page_on_faults_names_what_shows_it() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.endswith("| shown by |")]
    named = [re.findall(r"`((?:tests|bench)/[a-z_/]+\.py)`", row.split("|")[3]) for row in rows]
    assert len(rows) > 30
    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).exists()] == []


def test_every_page_that_a_page_leads_to_exists() -> None:
    pages = [README, *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_command_that_a_page_names_is_one() -> None:
    for page in ROOT.glob("docs/**/*.md"):
        spans = re.findall(r"```.*?```|`[^`\n]+`", page.read_text(encoding="utf-8"), re.DOTALL)
        named = {name for span in spans for name in re.findall(r"\bshortmcp (?=([a-z]+))", span)}
        assert named <= {*COMMANDS, "shortmcp"}, page


def test_no_file_names_an_address_of_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    hosts = re.compile("|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(org|com)"]))
    texts = [ROOT / name for name in listed if not name.endswith(".mmdb")]
    assert [str(path) for path in texts if path.exists() and hosts.search(path.read_text(encoding="utf-8"))] == []
