"""Every operation that names a thing, made from what the server itself publishes: others' things never were."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from calls import call_mcp, call_tool, make_link, make_paste, make_secret, make_webhook, mcp_client
from dumps import dump
from factories import TLS, Server
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Scope

# Parameters that name a thing, and what names one that never was.
NAMES = {
    "project": "never-was",
    "short_code": "never-was",
    "original_url": "https://example.com/never-was",
    "current_original_url": "https://example.com/never-was",
    "paste_code": "neverwas",
    # Of a secret. What is created may be given one, too: see VALUES.
    "slug": "never-was",
    "webhook": "never-was",
    "delivery": "never-was",
    "link": "never-was",
}
NUMBER_OF_NOTHING = 2_147_483_000
# All other parameters, with a value that each of them takes.
VALUES: dict[str, Any] = {
    "name": "x", "slug": "matrix", "description": "x", "title": "x", "new_short_code": "matrix", "is_active": False,
    "monthly_report_recipients": "a@example.com", "weekly_report_recipients": "a@example.com", "redirect_url": None,
    "expires_at": None, "page": 1, "per_page": 20, "cursor": "1.1", "format": "svg", "size": 10, "border": 4,
    "dark": "#000000", "light": "#ffffff", "error_correction": "M", "dateFrom": "2026-01-01", "dateTo": "2026-01-02",
    "timezone": "UTC", "password": "open sesame", "max_clicks": 5, "og_title": "x", "og_description": "x",
    "og_image": "https://example.com/i.png", "mask": False, "notify_on_mask_break": False, "analytics_public": False,
    "forward_query": False, "domain": None, "idempotency_key": "matrix",
    "search": "their", "sort": "created_at",
    "content": "x", "max_uses": 1, "passphrase": "open sesame", "client_encrypted": False,
    "original_url": "https://example.com/new", "short_code": "matrix",
    "paste_code": "neverwas", "language": "text", "expiry_hours": 1, "is_private": False,
    "offset": 0, "length": 5,
    "url": "https://hooks.example.com/", "event_types": ["link.created"], "event": "link.created", "verify": False,
    "webhook": "never-was", "delivery": "never-was",
}  # fmt: skip
MASKED = {"date", "x-ratelimit-limit", "x-ratelimit-remaining"}


@dataclass(frozen=True)
class Call:
    """A REST call of the matrix: what it names, and everything else that it must be given."""

    method: str
    template: str
    name: str
    path: dict[str, str] = field(default_factory=dict[str, str])
    place: str = "path"
    body: dict[str, Any] = field(default_factory=dict[str, Any])

    def send(self, client: httpx2.Client, value: str | int) -> httpx2.Response:
        named = {self.name: value}
        path = self.template.format(**{**self.path, **(named if self.place == "path" else {})})
        body = {**self.body, **(named if self.place == "body" else {})} if self.method in {"POST", "PATCH"} else None
        return client.request(self.method, path, params=named if self.place == "query" else None, json=body)


@pytest.fixture
def theirs(server: Server) -> Iterator[dict[str, list[str | int]]]:
    """Another workspace's project and link, by every name that they have."""
    with server.client(server.open_workspace(name="Theirs")) as client:
        link = make_link(client, short_code="their-code", original_url="https://example.com/theirs")
        make_secret(client, slug="their-secret")
        paste, webhook = make_paste(client, password="open sesame"), make_webhook(client)
        yield {
            "project": ["theirs", "Theirs", link["project_id"], str(link["project_id"])],
            "short_code": ["their-code", "THEIR-CODE"],
            "original_url": ["https://example.com/theirs"],
            "current_original_url": ["https://example.com/theirs"],
            "paste_code": [paste["paste_code"], paste["paste_code"].upper()],
            "slug": ["their-secret", "THEIR-SECRET"],
            "webhook": [webhook, str(webhook)],
            # Of nobody's own webhook: tests/faces/webhooks/test_deliveries.py names them.
            "delivery": [1],
            "link": ["their-code", "THEIR-CODE"],
        }


def rest_calls(server: Server) -> Iterator[Call]:
    """A call for each parameter of each route that names a thing; unknown parameters fail the test."""
    document = httpx2.get(f"{server.url}/api/v1/openapi.json", trust_env=False, verify=TLS).json()
    for template, methods in document["paths"].items():
        for method, call in methods.items():
            places = {
                place: [one["name"] for one in call["parameters"] if one["in"] == place] for place in ("path", "query")
            }
            schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            check_known(f"{method} {template}", [*places["path"], *places["query"], *schema.get("properties", ())])
            body = {name: VALUES[name] for name in schema.get("required", ())}
            path = {name: "-" if name in NAMES else VALUES[name] for name in places["path"]}
            for name in NAMES.keys() & path.keys():
                yield Call(method.upper(), template, name, path, "path", body)
            for name in NAMES.keys() & set(places["query"]):
                yield Call(method.upper(), template, name, path, "query", body)
            for name in {"project", "link"} & set(schema.get("properties", ())):
                yield Call(method.upper(), template, name, path, "body", body)


def tool_calls(client: httpx2.Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Tool, the argument that names a thing, and the other arguments that it needs."""
    for tool in call_mcp(client, "tools/list", {})["result"]["tools"]:
        schema = tool["inputSchema"]
        check_known(tool["name"], schema["properties"])
        needed = {name: VALUES[name] for name in schema.get("required", ()) if name != "project"}
        for name in NAMES.keys() & schema["properties"].keys():
            # What is created gets its code and its destination; an update is told the new destination.
            makes = tool["name"].startswith(("create_", "reserve_")) and name not in {"project", "link"}
            makes = makes or (name == "slug" and "project" in tool["name"])
            if not makes and not (name == "original_url" and "current_original_url" in schema["properties"]):
                yield tool["name"], name, {key: value for key, value in needed.items() if key != name}


def check_known(where: str, names: Any) -> None:
    """Fail for a parameter that neither table above knows: whoever adds one decides what it is."""
    unknown = set(names) - NAMES.keys() - VALUES.keys()
    assert not unknown, f"{where}: teach the matrix what {sorted(unknown)} are"


def never(name: str, value: str | int) -> str | int:
    """A name of the same kind as `value` that nothing ever had."""
    if str(value).isdigit():
        return NUMBER_OF_NOTHING if isinstance(value, int) else str(NUMBER_OF_NOTHING)
    return NAMES[name]


def test_over_rest_what_others_have_is_what_never_was(server: Server, theirs: dict[str, list[str | int]]) -> None:
    before, calls = dump(server), list(rest_calls(server))
    assert len(calls) >= 17
    with server.client(server.open_workspace(name="Ours")) as client:
        ours = dump(server)
        for call in calls:
            for value in theirs[call.name]:
                foreign, nothing = call.send(client, value), call.send(client, never(call.name, value))
                assert (call, foreign.status_code) == (call, 404)
                assert foreign.content == nothing.content
                assert _headers(foreign) == _headers(nothing)
        assert dump(server) == ours
    assert before["links"] == ours["links"]


def test_over_mcp_what_others_have_is_what_never_was(server: Server, theirs: dict[str, list[str | int]]) -> None:
    with mcp_client(server, server.open_workspace(name="Ours")) as client:
        before, calls = dump(server), list(tool_calls(client))
        assert len(calls) >= 16
        for tool, name, needed in calls:
            for value in theirs[name]:
                foreign = call_tool(client, tool, {**needed, name: value})
                nothing = call_tool(client, tool, {**needed, name: never(name, value)})
                assert (tool, name, foreign["isError"]) == (tool, name, True)
                assert "There is no such" in foreign["content"][0]["text"]
                assert foreign == nothing
        assert dump(server) == before


def test_the_matrix_names_what_its_owner_can_read(server: Server) -> None:
    # Or else everything would be 404 for everybody.
    access = server.open_workspace(name="Own")
    with server.client(access) as client, mcp_client(server, access) as tools:
        link = make_link(client, short_code="own-code", original_url="https://example.com/own")
        own = {"project": ["own", link["project_id"]], "short_code": ["own-code"], "webhook": [make_webhook(client)]}
        own["slug"] = [make_secret(client, slug="own-secret")]
        own["paste_code"] = [make_paste(client)["paste_code"]]
        own |= {name: ["https://example.com/own"] for name in ("original_url", "current_original_url")}
        for call in rest_calls(server):
            if call.method == "GET":
                assert {call.send(client, value).status_code for value in own[call.name]} == {200}
        for tool, name, needed in tool_calls(tools):
            if tool.startswith(("get_", "list_")):
                results = [call_tool(tools, tool, {**needed, name: value}) for value in own[name]]
                assert {result["isError"] for result in results} == {False}


def test_a_read_only_token_changes_nothing_over_rest(server: Server) -> None:
    access = server.open_workspace(name="Own")
    document = httpx2.get(f"{server.url}/api/v1/openapi.json", trust_env=False, verify=TLS).json()
    # A password is not sent in an address, so that some things are read with POST.
    reads = {operation.name for operation in CATALOG if operation.scope is Scope.READ}
    writes = [
        (method.upper(), template, call)
        for template, methods in document["paths"].items()
        for method, call in methods.items()
        if call["operationId"].rstrip("_0123456789") not in reads
    ]
    assert len(writes) >= 7
    with server.client(access) as writer, server.client(server.add_token(access, Scope.READ)) as reader:
        make_link(writer, short_code="own-code")
        make_secret(writer, slug="own-secret")
        paste, webhook = make_paste(writer), make_webhook(writer)
        before = dump(server)
        for method, template, call in writes:
            schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            named = {
                "project": "own",
                "short_code": "own-code",
                "slug": "own-secret",
                "paste_code": paste["paste_code"],
                "webhook": webhook,
                "delivery": 1,
            }
            path = template.format(**named)
            full = {name: VALUES[name] for name in schema.get("required", ())}
            for body in (full, {}):
                answer = reader.request(method, path, json=body if method != "DELETE" else None)
                assert (method, path, answer.status_code, answer.json()["code"]) == (method, path, 403, "forbidden")
        assert dump(server) == before


def test_a_read_only_token_changes_nothing_over_mcp(server: Server) -> None:
    access = server.open_workspace(name="Own")
    reading = server.add_token(access, Scope.READ)
    with server.client(access) as rest, mcp_client(server, access) as writer, mcp_client(server, reading) as reader:
        make_link(rest, short_code="own-code")
        make_secret(rest, slug="own-secret")
        paste = make_paste(rest)
        shown = {tool["name"] for tool in call_mcp(reader, "tools/list", {})["result"]["tools"]}
        tools = {tool["name"]: tool for tool in call_mcp(writer, "tools/list", {})["result"]["tools"]}
        writes = {name for name, tool in tools.items() if not tool["annotations"]["readOnlyHint"]}
        assert shown == tools.keys() - writes
        before = dump(server)
        for name in writes:
            given = {key: VALUES.get(key, "own") for key in tools[name]["inputSchema"].get("required", ())}
            own = {"short_code": "own-code", "slug": "own-secret", "paste_code": paste["paste_code"]}
            named = {key: own[key] for key in own.keys() & tools[name]["inputSchema"]["properties"].keys()}
            for arguments in ({**given, **named}, {}):
                result = call_tool(reader, name, arguments)
                assert (name, result["isError"]) == (name, True)
                assert result["content"][0]["text"].startswith("This token is read-only")
        assert dump(server) == before


def _headers(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in MASKED}
