from typing import Any, cast

import pytest

from faces.mcp.dialogue import ENVELOPE, MODERN, call, post, read_answer
from factories import Access, Server

# What stands before the operations is alike on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FOREIGN = ("validation error", "pydantic", "field required", "input should", "traceback", "recursion", "jsonrpcmessage")
# What the protocol itself words: clients look for it.
PROTOCOLS_OWN = ("Method not found", "params._meta must be", "mcp-method header", "mcp-name header")
DEEP = b"[" * 100_000 + b"]" * 100_000
ERAS: dict[str, dict[str, str]] = {
    "no version": {},
    "2025": {"MCP-Protocol-Version": "2025-11-25"},
    "2026": {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "create_project"},
}


def message(**changed: Any) -> dict[str, Any]:
    """A call that would make a project, but for what is changed; None leaves a member out."""
    params = {**call("create_project", name="Made by mistake")["params"], "_meta": ENVELOPE}
    whole = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params} | changed
    return {name: value for name, value in whole.items() if value is not ...}


def calling(**changed: Any) -> dict[str, Any]:
    """The same, with other params."""
    params: dict[str, Any] = message()["params"] | changed
    return message(params={name: value for name, value in params.items() if value is not ...})


def nested(inner: bytes) -> bytes:
    return (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_project","arguments":' + inner + b"}}"
    )


BODIES: dict[str, bytes | dict[str, Any]] = {
    "nothing": b"",
    "not JSON": b"{",
    "two messages": b'{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}',
    "not UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    "null": b"null",
    "text": b'"tools/list"',
    "an empty batch": b"[]",
    "a batch of a thousand": b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}' * 1 + b',{"id":2}' * 999 + b"]",
    "an empty object": b"{}",
    "deep nesting": DEEP,
    "deep nesting in params": nested(b'{"name":' + DEEP + b"}"),
    "nesting that one reader takes and the other does not": nested(b'{"name":' + b"[" * 400 + b"]" * 400 + b"}"),
    "a lone surrogate": nested(b'{"name":"\\ud800"}'),
    "a raw surrogate": nested(b'{"name":"\xed\xa0\x80"}'),
    "NaN": nested(b'{"name":NaN}'),
    "infinity": nested(b'{"name":1e400}'),
    "a number of 5,000 digits": nested(b'{"name":' + b"9" * 5000 + b"}"),
    "a huge number as project": calling(name="update_project", arguments={"project": 10**300}),
    "a NUL": nested(b'{"name":"a\\u0000b"}'),
    "no jsonrpc": message(jsonrpc=...),
    "jsonrpc 1.0": message(jsonrpc="1.0"),
    "jsonrpc as number": message(jsonrpc=2.0),
    "id null": message(id=None),
    "id object": message(id={"a": 1}),
    "id true": message(id=True),
    "id 1.5": message(id=1.5),
    "id too large": message(id=10**400),
    "id past 64 bits": message(id=2**70),
    "id list": message(id=[1]),
    "no method": message(method=...),
    "method number": message(method=5),
    "method null": message(method=None),
    "unknown method": message(method="tools/destroy"),
    "method with NUL": message(method="tools/call\0"),
    "params list": message(params=[1]),
    "params text": message(params="x"),
    "params false": message(params=False),
    "a call without a name": calling(name=...),
    "a call of a number": calling(name=7),
    "a call of an unknown tool": calling(name="no such tool"),
    "a call of a name that hides something": calling(name="create_project\u202e\0"),
    "arguments list": calling(arguments=[1]),
    "arguments text": calling(arguments="name=x"),
    "arguments of the wrong type": calling(arguments={"name": {"$ne": 1}}),
    "arguments nobody knows": calling(arguments={"name": "x", "__class__": 1}),
    "meta text": calling(_meta="x"),
    "progress token object": calling(_meta={**ENVELOPE, "progressToken": {}}),
    "initialize with nothing": message(method="initialize", params={}),
    "initialize with numbers": message(
        method="initialize", params={"protocolVersion": 1, "capabilities": [], "clientInfo": "x"}
    ),
    "a response": {"jsonrpc": "2.0", "id": 1, "result": {}},
    "a response that is none": {"jsonrpc": "2.0", "id": 1, "result": 5},
    "an error that is none": {"jsonrpc": "2.0", "id": {}, "error": "x"},
}


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace()


@pytest.mark.parametrize("era", ERAS)
def test_what_is_malformed_is_refused_in_our_own_words_and_changes_nothing(
    server: Server, access: Access, era: str
) -> None:
    for name, body in BODIES.items():
        answer = post(server, access, body, headers_for(era, body))
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, (name, answer.status_code)
        told = read_answer(answer)
        assert "error" in told or told["result"].get("isError") is True, (name, told)
        assert not any(word in answer.text.lower() for word in FOREIGN), (name, answer.text)
        assert sentence_of(told).endswith(".") or sentence_of(told).startswith(PROTOCOLS_OWN), (name, answer.text)
    assert count_projects(server, access) == 1


def headers_for(era: str, body: bytes | dict[str, Any]) -> dict[str, str]:
    """The era's headers, which name the body's method and tool where they can be named."""
    named = {} if isinstance(body, bytes) else {"Mcp-Method": body.get("method"), "Mcp-Name": tool_of(body)}
    sendable = {name: value for name, value in named.items() if isinstance(value, str) and value.isprintable()}
    return ERAS[era] | (sendable if era == "2026" else {})


def tool_of(body: dict[str, Any]) -> Any:
    params = body.get("params")
    return cast("dict[str, Any]", params).get("name") if isinstance(params, dict) else None


def sentence_of(told: dict[str, Any]) -> str:
    return str(told["error"]["message"] if "error" in told else told["result"]["content"][0]["text"])


def count_projects(server: Server, access: Access) -> int:
    with server.client(access) as rest:
        return len(rest.get("/projects").json()["data"])


def test_a_message_without_faults_is_not_refused(server: Server, access: Access) -> None:
    for number, headers in enumerate(ERAS.values(), start=1):
        answer = read_answer(post(server, access, message(id=number), headers))
        assert answer["id"] == number
        assert answer["result"]["isError"] is False
    assert count_projects(server, access) == 1 + len(ERAS)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("params", [..., {}, {"requestId": {"a": 1}}, None])
def test_notifications_are_taken_and_do_nothing(server: Server, access: Access, era: str, params: Any) -> None:
    notification = message(id=..., method="notifications/cancelled", params=params)
    answer = post(server, access, notification, ERAS[era])
    assert (answer.status_code, answer.text) == (202, "")


def test_a_call_without_an_id_makes_nothing(server: Server, access: Access) -> None:
    for headers in ERAS.values():
        answer = post(server, access, message(id=...), headers)
        assert (answer.status_code, answer.text) in {(202, ""), (202, "null")}
    assert count_projects(server, access) == 1


@pytest.mark.parametrize("text_id", ["", "a" * 10_000, "null", "ünï\u202e"])
def test_an_id_comes_back_as_it_was(server: Server, access: Access, text_id: str) -> None:
    for headers in ERAS.values():
        assert read_answer(post(server, access, message(id=text_id), headers))["id"] == text_id
