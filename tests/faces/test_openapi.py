"""The API's description: valid, complete, as the snapshot says, and what the server really answers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from calls import make_link
from factories import TLS, Server
from shortmcp.catalog import CATALOG
from shortmcp.faces.openapi import describe
from shortmcp.faces.rest import PREFIX

SNAPSHOT = Path(__file__).parents[1] / "surface" / "openapi.json"
BASE_URL = "https://shortmcp.example"
CHECKS = ",".join(
    f"{about}_conformance" for about in ("response_schema", "status_code", "content_type", "response_headers")
)
EXAMPLES, SECONDS = 15, 60
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_the_served_document_is_valid_and_needs_no_token(server: Server) -> None:
    with server.client() as stranger:
        answer = stranger.get("/openapi.json", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == as_json(describe(CATALOG, server.url, PREFIX))
    OpenAPIV31SpecValidator(answer.json()).validate()


def test_the_surface_is_as_the_snapshot_says() -> None:
    """After a change that is meant: `.venv/bin/python tests/faces/test_openapi.py`, and read the diff."""
    assert orjson.loads(SNAPSHOT.read_bytes()) == as_json(describe(CATALOG, BASE_URL, PREFIX))


@on_sqlite
def test_the_document_describes_every_route_field_and_refusal(server: Server) -> None:
    document = httpx2.get(f"{server.url}{PREFIX}/openapi.json", trust_env=False, verify=TLS).json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for operation in CATALOG for route in operation.routes}
    calls = [call for methods in document["paths"].values() for call in methods.values()]
    assert len({call["operationId"] for call in calls}) == len(calls)
    for call in calls:
        assert call["summary"]
        assert call["description"]
        assert all(parameter["description"] for parameter in call["parameters"]), call["operationId"]
        assert {"400", "401", "403", "404", "409", "413", "422", "429", "503"} <= call["responses"].keys()
        # Names that only MCP uses have no place here.
        assert "new_short_code" not in str(call)
        assert "current_original_url" not in str(call)


@on_sqlite
def test_what_the_document_promises_is_what_is_answered(server: Server, tmp_path: Path) -> None:
    access = server.open_workspace()
    with server.client(access) as client:
        make_link(client, short_code="launch")
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}{PREFIX}/openapi.json",
        "--header", f"Authorization: Bearer {access.token}", "--max-examples", str(EXAMPLES),
        "--checks", f"not_a_server_error,{CHECKS}",
        "--phases", "examples,fuzzing", "--generation-deterministic", "--no-color",
    ]  # fmt: skip
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def as_json(document: Any) -> Any:
    """`document` after a journey over the wire."""
    return orjson.loads(orjson.dumps(document))


if __name__ == "__main__":
    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_bytes(
        orjson.dumps(describe(CATALOG, BASE_URL, PREFIX), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )
