"""nginx from the configuration in deploy/, in front of a real server."""

import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from calls import make_link
from crash.harness import wait_until
from factories import CHROME, TLS, Access, Server, free_port
from shortmcp.settings import Settings

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "nginx"
# An address that the country data knows, and one of nobody's.
AMERICAN, NOBODY = "8.8.8.8", "198.51.100.7"
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that would show its metrics to everybody: nginx must not."""
    return settings.model_copy(update={"metrics_public": True})


@pytest.fixture
def nginx() -> str:
    """The program: skipped where it is missing, in CI it must be there."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        assert not os.environ.get("CI"), "nginx is missing"
        pytest.skip("nginx is missing: ITS CONFIGURATION IS NOT TRIED")
    return program


@pytest.fixture
def proxy(nginx: str, server: Server, tmp_path: Path) -> Iterator[str]:
    """The URL of nginx in front of the server."""
    port, folder = free_port(), tmp_path / "nginx"
    main = configure(folder, {"listen 80;": f"listen 127.0.0.1:{port};"}, f"127.0.0.1:{server.node.settings.port}")
    subprocess.run([nginx, "-t", "-q", "-c", main, "-e", folder / "error.log"], check=True, timeout=30)
    running = subprocess.Popen([nginx, "-c", main, "-e", folder / "error.log"])
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)
    # What visitors send is nowhere in it.
    assert (folder / "access.log").read_text() == ""
    assert (folder / "error.log").read_text() == ""


def configure(folder: Path, changes: dict[str, str], place: str) -> Path:
    """Our two files as they are but for addresses, and around them what nginx needs to run in a folder."""
    (folder / "conf.d").mkdir(parents=True)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    for name, replaced in (("shortmcp.conf", changes), ("upstream.conf", {"127.0.0.1:8000": place})):
        text = (FOLDER / name).read_text()
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        (folder / "conf.d" / name).write_text(text)
    return folder / "nginx.conf"


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", trust_env=False, verify=TLS).status_code == 200
    except httpx2.TransportError:
        return False


def visit(proxy: str, code: str, source: str, claimed: str) -> int:
    """Ask for a short link from one address, claiming to be sent on for another one."""
    parts = urlsplit(proxy)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, 30, (source, 0))
    connection.request("GET", f"/{code}", headers={"User-Agent": CHROME, "X-Forwarded-For": claimed})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_a_click_is_counted_for_the_visitor_s_address_and_for_no_claimed_one(server: Server, proxy: str) -> None:
    with server.client(server.open_workspace()) as client:
        code = make_link(client)["short_code"]
        # From the trusted proxy before this one, and from a stranger who says that he is one.
        assert [visit(proxy, code, "127.0.0.1", AMERICAN), visit(proxy, code, "127.0.0.9", AMERICAN)] == [302, 302]
        assert visit(proxy, code, "127.0.0.1", NOBODY) == 302
        path = f"/links/{code}/analytics"
        wait_until(lambda: client.get(path).json()["data"]["period_stats"]["total"] == 3)
        answer = client.get(path).json()["data"]
    assert {row["code"]: row["total"] for row in answer["countries"]} == {"US": 1, "unverified": 2}
    assert answer["period_stats"]["unique_clicks"] == 3


def test_the_metrics_are_not_shown_however_they_are_asked_for(server: Server, proxy: str) -> None:
    through = {"X-Forwarded-For": NOBODY}
    assert httpx2.get(f"{server.url}/metrics", headers=through, trust_env=False, verify=TLS).status_code == 200
    for path in ("/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/a/../metrics", "/metrics/", "/METRICS"):
        parts = urlsplit(proxy)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, 30)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, b"shortmcp_" in answer.read()) == (404, False), path
        connection.close()


def test_the_api_and_mcp_work_through_it(server: Server, proxy: str) -> None:
    access = server.open_workspace()
    links = f"{proxy}/api/v1/links"
    with httpx2.Client(headers=bearer(access), trust_env=False, verify=TLS, timeout=30) as client:
        made = client.post(links, json={"original_url": "https://example.com/", "title": "T"})
        assert made.status_code == 201
        # Larger than nginx takes by itself, and refused in our own words.
        big = client.post(links, content=b"x" * (5 << 19))
        assert (big.status_code, "message" in big.json()) == (413, True)
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_short_links"}}
        said = client.post(f"{proxy}/mcp", json=asked, headers={"Accept": "application/json, text/event-stream"})
        code = made.json()["data"]["short_code"]
        assert [link["short_code"] for link in said.json()["result"]["structuredContent"]["data"]] == [code]
        # Under another name MCP is not answered, so the name goes through.
        assert client.post(f"{proxy}/mcp", json=asked, headers={"Host": "evil.example"}).status_code == 421


def test_connections_to_the_server_are_kept_and_let_go_before_it_closes_them(server: Server, proxy: str) -> None:
    for _ in range(40):
        assert httpx2.get(f"{proxy}/healthz", trust_env=False, verify=TLS).status_code == 200
    assert closed_connections_to(server.node.settings.port) < 20
    for name in ("upstream.conf", "upstream.compose.conf"):
        kept = re.findall(r"keepalive_timeout (\d+)s;", (FOLDER / name).read_text())
        # uvicorn's own, which `serve` leaves as it is.
        assert int(kept[0]) < 5


def closed_connections_to(port: int) -> int:
    """Connections to this port whose callers have closed them (TIME_WAIT, for a minute)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "06" for row in rows)


def bearer(access: Access) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.token}"}
