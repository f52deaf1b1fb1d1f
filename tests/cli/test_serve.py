import json
import re
import signal
import time
from pathlib import Path

import httpx2

from factories import CHROME, TLS
from processes import Process, serve

SNIPPET = re.compile(r"^\{.*^\}", re.DOTALL | re.MULTILINE)


def read_token(process: Process) -> str:
    snippet = json.loads(SNIPPET.findall(process.output.read_text())[0])
    return snippet["mcpServers"]["shortmcp"]["headers"]["Authorization"].removeprefix("Bearer ")


def call(process: Process, method: str, path: str, token: str, **given: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "canary-agent"}
    url = f"{process.url}{path}"
    return httpx2.request(method, url, headers=headers, timeout=30, trust_env=False, verify=TLS, **given)  # pyright: ignore[reportArgumentType]


def test_the_first_run_prints_a_snippet_that_works_and_the_second_prints_no_token(tmp_path: Path) -> None:
    with serve(tmp_path) as process:
        printed = process.output.read_text()
        token = read_token(process)
        snippet = json.loads(SNIPPET.findall(printed)[0])
        assert snippet == {
            "mcpServers": {
                "shortmcp": {
                    "type": "http",
                    "url": f"{process.url}/mcp",
                    "headers": {"Authorization": f"Bearer {token}"},
                }
            }
        }
        projects = call(process, "GET", "/api/v1/projects", token).json()["data"]
        usage = call(process, "GET", "/api/v1/usage", token).json()["data"]
        assert ([project["slug"] for project in projects], usage["plan"]) == (["default"], "unlimited")
    with serve(tmp_path) as again:
        assert again.output.read_text() == f"shortmcp serves on {again.url}\n"
        assert call(again, "GET", "/api/v1/projects", token).status_code == 200


def test_a_clean_stop_takes_less_than_five_seconds(tmp_path: Path) -> None:
    with serve(tmp_path) as process:
        began = time.monotonic()
        process.popen.terminate()
        # uvicorn shuts down and then lets the signal end the process, as its sender expects.
        assert process.popen.wait(10) in {0, -signal.SIGTERM}
        assert time.monotonic() - began < 5


def test_no_log_and_no_table_holds_a_token_an_address_or_a_query_string(tmp_path: Path) -> None:
    with serve(tmp_path, "--log-level", "debug", "--log-format", "json") as process:
        token = read_token(process)
        link = {"original_url": "https://example.com/", "title": "T", "short_code": "canary"}
        assert call(process, "POST", "/api/v1/links", token, json=link).status_code == 201
        assert call(process, "GET", "/api/v1/links?secretquery=1", token).status_code == 422
        assert call(process, "GET", "/api/v1/projects", f"{token}x").status_code == 401
        assert call(process, "POST", "/mcp?secretquery=1", token, content=b"{").status_code == 400
        visit = {"User-Agent": f"{CHROME} canary-agent", "X-Forwarded-For": "198.51.100.77"}
        for path in ("/canary?secretquery=1", "/nobody?secretquery=1"):
            httpx2.get(f"{process.url}{path}", headers=visit, timeout=30, trust_env=False, verify=TLS)
        deadline = time.monotonic() + 20
        while (
            call(process, "GET", "/api/v1/links/canary/analytics", token).json()["data"]["period_stats"]["total"] == 0
        ):
            assert time.monotonic() < deadline
    logs = process.errors.read_text()
    assert all(json.loads(line)["event"] for line in logs.splitlines())
    kept = logs.encode() + b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    secret = token.split("|")[1]
    for canary in (secret, "198.51.100.77", "secretquery", "canary-agent"):
        assert canary.encode() not in kept, canary
