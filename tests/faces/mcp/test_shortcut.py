"""The shortcut answers what the SDK answers: the same requests are sent both ways, and the answers compared."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from calls import make_link
from faces.mcp.dialogue import ENVELOPE, MODERN, call, modern, post, read_answer
from factories import Access, Server, free_port, start_server
from parity.test_isolation import NAMES, VALUES
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Scope
from shortmcp.core.tokens import create_token
from shortmcp.core.workspaces import create_workspace
from shortmcp.operation import Operation
from shortmcp.settings import Settings

VERSIONS = (None, "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN)
# The SDK takes it, the shortcut does not.
OTHER_ENVELOPE = {**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2025-11-25"}
ROUNDABOUT = {"Content-Type": "application/json; charset=utf-8"}
VARYING = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")
# What was drawn by lot: codes, ends of slugs, and what is as long as a secret.
DRAWN = re.compile(
    r"(?<=short_code\":\")[a-z0-9]{6}(?=\")|(?<=sho\.test/)[a-z0-9]{6}(?![\w-])|(?<=sho\.test/qr/)[a-z0-9]{6}(?![\w-])"
    r"|(?<=sho\.test/paste/)\w{8}|(?<=paste_code\":\")\w{8}(?=\")|^\w{8}$"
    r"|^[a-z0-9]{6}$|[\w+/=-]{22,}|(?<=x-)[0-9a-f]{4}\b"
)


class Twin:
    """A server and two tokens of it; both twins see the same, one request after another."""

    def __init__(self, server: Server) -> None:
        self.server = server
        with server.begin() as ctx:
            workspace = create_workspace(ctx, "Twin", "unlimited")
            token, shown = create_token(ctx, workspace.slug, "test", Scope.WRITE)
        self.access = Access(workspace.id or 0, workspace.slug, shown, token.id or 0)
        self.reader = server.add_token(self.access, Scope.READ)

    def prepare(self) -> None:
        """Have a project and a link, whatever the tests before have done to them."""
        with self.server.client(self.access) as client:
            if client.get("/projects/twin").status_code == 404:
                client.post("/projects", json={"name": "Twin", "slug": "twin"}).raise_for_status()
            if client.get("/links/own-code").status_code == 404:
                make_link(client, short_code="own-code", original_url="https://example.com/own", project="twin")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[tuple[Twin, Twin]]:
    with ExitStack() as stack:
        one, two = (start_twin(tmp_path_factory.mktemp("twin"), sqlite_template, stack) for _ in range(2))
        yield one, two


@pytest.fixture
def twins(both: tuple[Twin, Twin]) -> tuple[Twin, Twin]:
    for twin in both:
        twin.prepare()
    return both


def start_twin(folder: Path, template: Path, stack: ExitStack) -> Twin:
    shutil.copy(template, folder / "shortmcp.db")
    port = free_port()
    settings = Settings(port=port, data_dir=folder, worker=False, base_url="http://sho.test")
    return Twin(Server(f"http://127.0.0.1:{port}", start_server(settings, stack).node))


def compare(
    twins: tuple[Twin, Twin], message: Mapping[str, Any], version: str | None, **headers: str
) -> dict[str, Any]:
    """Both answers to a message, which must be the same; the first one."""
    sent, more = modern(message) if version == MODERN else (message, {})
    if version not in {None, MODERN}:
        more = {"MCP-Protocol-Version": str(version)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answers = [
        post(
            twin.server,
            access(twin, headers),
            sent,
            {**more, **{k: v for k, v in named.items() if k != "token"}, **way},
        )
        for twin, way in zip(twins, ({}, ROUNDABOUT), strict=True)
    ]
    read = [read_answer(answer) for answer in answers]
    assert answers[0].headers["content-type"] == "application/json", (message, version)
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 2
    assert same(read[0]) == same(read[1]), (message, version)
    return read[0]


def access(twin: Twin, headers: Mapping[str, str]) -> Access:
    return twin.reader if headers.get("token") == "reader" else twin.access


def same(answer: Any) -> Any:
    """An answer without what differs between two servers."""
    if isinstance(answer, dict):
        return {key: same(value) for key, value in sorted(cast("dict[str, Any]", answer).items())}
    if isinstance(answer, list):
        return [same(value) for value in cast("list[Any]", answer)]
    return DRAWN.sub("drawn", VARYING.sub("now", answer)) if isinstance(answer, str) else answer


def arguments_of(operation: Operation) -> list[dict[str, Any]]:
    """Arguments that are right, that name nothing, and that are wrong in every common way."""
    schema = operation.input.model_json_schema(by_alias=True)
    names, required = list(schema.get("properties", {})), schema.get("required", [])
    own = {"project": "twin", "short_code": "own-code", "original_url": "https://example.com/own"}
    needed = {name: VALUES.get(name, "x") for name in required}
    right = {**needed, **{name: own[name] for name in own if name in names and name not in required}}
    right.pop("original_url", None) if operation.scope is Scope.READ else None
    return [
        right,
        {},
        {**needed, **{name: value for name, value in NAMES.items() if name in names}},
        {**right, "no_such_field": 1},
        *[{**right, name: wrong} for name in names for wrong in (None, 7.5, "\0", ["x"], True)],
    ]


@pytest.mark.parametrize("version", [None, MODERN])
@pytest.mark.parametrize("operation", CATALOG, ids=lambda operation: operation.name)
def test_every_tool_answers_the_same_both_ways(
    twins: tuple[Twin, Twin], operation: Operation, version: str | None
) -> None:
    for arguments in arguments_of(operation):
        compare(twins, call(operation.name, **arguments), version)
    refused = compare(twins, call(operation.name), version, token="reader", X_MCP_Readonly="1")
    if operation.scope is Scope.WRITE:
        assert refused["result"]["isError"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_answered_the_same_both_ways(twins: tuple[Twin, Twin], version: str | None) -> None:
    listing = {"jsonrpc": "2.0", "id": "a", "method": "tools/list"}
    for asked in ({}, {"X_MCP_Toolsets": "all"}, {"X_MCP_Readonly": "true"}, {"token": "reader"}):
        answer = compare(twins, listing, version, **asked)
        assert len(answer["result"]["tools"]) >= 5
    for id_ in (0, -1, 2**53, "", "é"):
        answer = compare(twins, {**call("get_short_link", short_code="own-code"), "id": id_}, version)
        assert answer["id"] == id_
    with_token = {**call("get_me")["params"], "_meta": {"progressToken": 7}}
    if version != MODERN:
        compare(twins, {**call("get_me"), "params": with_token}, version)


UNUSUAL: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "another content type": (call("get_me"), ROUNDABOUT),
    "another method": ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {}),
    "a tool that is none": (call("no_such_tool"), {}),
    "a cursor": ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "x"}}, {}),
    "a boolean id": ({**call("get_me"), "id": True}, {}),
    "no id": ({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "get_me"}}, {}),
    "another key": ({**call("get_me"), "more": 1}, {}),
    "a nested argument": (call("get_short_link", short_code={"a": 1}), {}),
    "arguments that are none": ({**call("get_me"), "params": {"name": "get_me", "arguments": None}}, {}),
    "a session": (call("get_me"), {"Mcp-Session-Id": "x"}),
    "a version that is none": (call("get_me"), {"MCP-Protocol-Version": "2031-01-01"}),
    "stateless without its envelope": (call("get_me"), {"MCP-Protocol-Version": MODERN}),
    "stateless without its headers": (
        {**call("get_me"), "params": {"name": "get_me", "_meta": ENVELOPE}}, {"MCP-Protocol-Version": MODERN}
    ),
    "another name in the header": (
        {**call("get_me"), "params": {"name": "get_me", "_meta": ENVELOPE}},
        {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "get_usage"},
    ),
    "another version in the envelope": (
        {**call("get_me"), "params": {"name": "get_me", "_meta": OTHER_ENVELOPE}},
        {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "get_me"},
    ),
    "a host that is none of ours": (call("get_me"), {"Host": "evil.example"}),
    "an origin that is none of ours": (call("get_me"), {"Origin": "https://evil.example"}),
    "an answer in JSON alone": (call("get_me"), {"Accept": "application/json"}),
}  # fmt: skip


@pytest.mark.parametrize(("message", "headers"), UNUSUAL.values(), ids=list(UNUSUAL))
def test_whatever_is_unusual_is_left_to_the_sdk(
    twins: tuple[Twin, Twin], message: dict[str, Any], headers: dict[str, str]
) -> None:
    answers = [
        post(twin.server, twin.access, message, {**way, **headers} if index else headers)
        for index, (twin, way) in enumerate(zip(twins, ({}, ROUNDABOUT), strict=True))
    ]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].headers.get("content-type") == answers[1].headers.get("content-type")
    assert same(answers[0].text) == same(answers[1].text)


def test_a_bug_says_nothing_of_its_inside(twins: tuple[Twin, Twin], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(Operation, "perform_on", fail)
    for version in (None, MODERN):
        answer = compare(twins, call("get_me"), version)
        assert answer["error"] == {"code": -32603, "message": "Something went wrong on our side; it was logged."}
