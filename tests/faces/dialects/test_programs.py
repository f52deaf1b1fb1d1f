"""Programs as people write them for these services, in each language of the documents: only address and key differ.

They run against an HTTPS address with the interpreters of this machine; where one is missing, its programs are skipped.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from calls import make_link, make_secret
from factories import Access, Server
from relays import https_relay
from shortmcp.core.workspaces import create_workspace
from shortmcp.faces.dialects import DIALECTS
from shortmcp.settings import Settings

PROGRAMS = Path(__file__).parent / "programs"
# By the ending of a program's name: what runs it, and Debian's packages that bring it.
RUNNERS = {
    ".sh": (["sh"], "curl", "curl"),
    ".py": (["python"], "python", "python3-requests"),
    ".mjs": (["node"], "node", "nodejs"),
    ".php": (["php", "-d", "curl.cainfo={authority}"], "php", "php-cli php-curl"),
    ".go": (["go", "run"], "go", "golang-go"),
    ".rb": (["ruby"], "ruby", "ruby"),
}
# What each program says in the end, without the language at the end of its name.
SAID = {
    "clipsend_usage": ["of 100000", '"limit":100000'],
    "clipsend_create": ["/door-"],
    "clipsend_list": ["to-be-listed"],
    "clipsend_read": ["The door code is 4711"],
    "snipurl-click_list": ["2 of 2", '"total":2'],
    "snipurl-click_all": ["2 links"],
    "snipurl-live_create": ['"short_code":"made-by-curl"'],
    "snipurl-live_paste": ['"message":"Paste created successfully"'],
    "snipurl-live_show": ['"unique_clicks":0'],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """SnipURL's documents make a paste without a token."""
    return settings.model_copy(update={"anonymous_workspace": "public"})


@pytest.fixture
def access(server: Server) -> Access:
    access = server.open_workspace(plan="pro")
    with server.client(access) as client:
        make_link(client, short_code="first", original_url="https://github.com/example/docs")
        make_link(client, short_code="second")
        make_secret(client, "The door code is 4711", slug="to-be-read")
        make_secret(client, "The door code is 4711", slug="to-be-listed")
    with server.begin() as ctx:
        create_workspace(ctx, "public", "basic")
    return access


@pytest.fixture
def address(server: Server, tmp_path: Path) -> Iterator[str]:
    with https_relay(server.node.settings.port, tmp_path / "authority.pem") as url:
        yield url


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("program", sorted(PROGRAMS.iterdir()), ids=lambda path: path.name)
def test_a_program_runs_with_nothing_changed_but_address_and_key(
    server: Server, access: Access, address: str, tmp_path: Path, program: Path
) -> None:
    command, needed, packages = RUNNERS[program.suffix]
    if needed != "python" and shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed: {program.name} IS NOT RUN (apt-get install {packages})")
    dialect = DIALECTS[program.stem.partition("_")[0]]
    text = program.read_text(encoding="utf-8")
    for name, value in {"BASE_URL": address + dialect.prefix, "API_KEY": access.token, "SLUG": "to-be-read"}.items():
        text = text.replace(name, value)
    changed = tmp_path / program.name
    changed.write_text(text, encoding="utf-8")
    authority = str(tmp_path / "authority.pem")
    done = subprocess.run(
        [*(part.format(authority=authority) for part in command), str(changed)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env=environment(authority, tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert any(said in done.stdout for said in SAID[program.stem]), done.stdout


def environment(authority: str, home: Path) -> dict[str, str]:
    """Where each language looks for whom to trust; no proxy stands between."""
    trust = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    go = {"GOCACHE": str(Path.home() / ".cache/go-build"), "GO111MODULE": "off", "GOFLAGS": ""}
    return {**kept, **dict.fromkeys(trust, authority), **go, "HOME": str(home), "NO_PROXY": "localhost"}


def test_every_program_has_something_to_say() -> None:
    assert {program.stem for program in PROGRAMS.iterdir()} == SAID.keys()
    assert {program.suffix for program in PROGRAMS.iterdir()} == RUNNERS.keys()
