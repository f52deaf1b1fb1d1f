"""Every call of every dialect, made from the table of dialects: scopes, plans, limits and workspaces hold there too."""

import re
from collections.abc import Mapping

import httpx2
import pytest

from calls import dialect_client, make_link, make_paste, make_webhook
from dumps import dump
from factories import Access, Server
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Scope
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.workspaces import suspend_workspace
from shortmcp.faces.dialects import DIALECTS
from shortmcp.faces.dialects.dialect import Call

SCOPES = {operation.name: operation.scope for operation in CATALOG}
CALLS = [(name, call) for name, dialect in DIALECTS.items() for call in dialect.calls]
WRITES = [(name, call) for name, call in CALLS if SCOPES[call.operation] is Scope.WRITE]
NAMING = [(name, call) for name, call in CALLS if "{" in call.path]
# What the writing calls need; more than one needs does no harm. A password is asked for by one that only reads.
BODY = {"url": "https://example.com/new", "original_url": "https://example.com/new", "content": "x", "password": "x"}
# What paths name.
NOTHING = {"slug": "never-was", "shortCode": "never-was", "pasteCode": "neverwas", "id": "2147483000"}
MASKED = {"date", "x-ratelimit-limit", "x-ratelimit-remaining"}


def send(client: httpx2.Client, call: Call, names: Mapping[str, str] | None = None) -> httpx2.Response:
    """The call, about things of these names, or of such as never were."""
    path = re.sub(r"\{(\w+)\}", lambda found: (names or NOTHING)[found[1]], call.path)
    return client.request(call.method, path, json=BODY if call.method in {"POST", "PUT", "PATCH"} else None)


def test_the_table_has_calls() -> None:
    assert len(CALLS) >= 23
    assert len(WRITES) >= 10
    assert len(NAMING) >= 12


@pytest.fixture
def theirs(server: Server) -> Access:
    """Another workspace."""
    access = server.open_workspace(name="Theirs")
    with server.client(access) as client:
        make_link(client, short_code="theirs")
    return access


@pytest.fixture
def names(server: Server, theirs: Access) -> dict[str, str]:
    """What things of that workspace are called."""
    with server.client(theirs) as client:
        paste, webhook = make_paste(client)["paste_code"], make_webhook(client)
        return {"slug": "theirs", "shortCode": "theirs", "pasteCode": paste, "id": str(webhook)}


def test_what_others_have_is_what_never_was(server: Server, names: dict[str, str]) -> None:
    ours = server.open_workspace(name="Ours")
    before = dump(server)
    for name, call in NAMING:
        with dialect_client(server, name, ours) as client:
            foreign, nothing = send(client, call, names), send(client, call)
        assert (name, call.method, call.path, foreign.status_code) == (name, call.method, call.path, 404)
        assert foreign.content == nothing.content
        assert _headers(foreign) == _headers(nothing)
    assert dump(server) == before


def test_the_matrix_names_what_its_owner_can_read(server: Server, theirs: Access, names: dict[str, str]) -> None:
    for name, call in NAMING:
        if call.method == "GET":
            with dialect_client(server, name, theirs) as client:
                assert send(client, call, names).status_code == 200


def test_a_read_only_token_changes_nothing(server: Server, theirs: Access, names: dict[str, str]) -> None:
    reading = server.add_token(theirs, Scope.READ)
    before = dump(server)
    for name, call in WRITES:
        with dialect_client(server, name, reading) as client:
            assert (name, call.path, send(client, call, names).status_code) == (name, call.path, 403)
            assert client.request(call.method, call.path, content=b"{").status_code == 403
    assert dump(server) == before


@pytest.mark.parametrize("why", ["free", "suspended"])
def test_without_a_plan_nothing_is_served(server: Server, why: str) -> None:
    access = server.open_workspace(plan="free" if why == "free" else "pro")
    if why == "suspended":
        with server.begin() as ctx:
            suspend_workspace(ctx, access.slug, suspended=True)
    before = dump(server)
    for name, call in CALLS:
        with dialect_client(server, name, access) as client:
            assert (name, call.path, send(client, call).status_code) == (name, call.path, 403)
    assert dump(server) == before


def test_without_a_token_nothing_is_served(server: Server) -> None:
    before = dump(server)
    for name, call in CALLS:
        with dialect_client(server, name) as client:
            assert (name, call.path, send(client, call).status_code) == (name, call.path, 401)
    assert dump(server) == before


def test_calls_count_as_they_do_natively(server: Server) -> None:
    access = server.open_workspace(plan="pro")
    with server.client(access) as native:
        for name, call in CALLS:
            with dialect_client(server, name, access) as client:
                answer = send(client, call)
            left = int(answer.headers["x-ratelimit-remaining"])
            assert answer.headers["x-ratelimit-limit"] == "60"
            assert int(native.get("/usage").headers["x-ratelimit-remaining"]) == left - 1
        assert native.get("/usage").json()["data"]["calls_this_month"] == 2 * len(CALLS) + 1


def test_past_the_limit_they_are_told_when_to_come_again(server: Server) -> None:
    access = server.open_workspace(plan="basic")
    with server.client(access) as native:
        while native.get("/me").status_code == 200:
            pass
    for name, call in CALLS:
        with dialect_client(server, name, access) as client:
            answer = send(client, call)
        assert (name, call.path, answer.status_code) == (name, call.path, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["x-ratelimit-remaining"] == "0"


def test_head_uses_nothing_up_and_unknown_paths_answer_json(server: Server, theirs: Access) -> None:
    for name, dialect in DIALECTS.items():
        with dialect_client(server, name, theirs) as client:
            assert client.head(dialect.calls[0].path.partition("{")[0].rstrip("/")).status_code == 405
            answer = client.get("/nothing/here")
            assert (answer.status_code, "message" in answer.json()) == (404, True)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": ' * 2000, b"\xff", b'"' + b"x" * 3_000_000 + b'"'])
def test_bodies_that_are_none_are_refused(server: Server, theirs: Access, body: bytes) -> None:
    before = dump(server)
    for name, call in WRITES:
        if call.method != "DELETE":
            with dialect_client(server, name, theirs) as client:
                answer = client.request(call.method, call.path, content=body)
            assert answer.status_code in {400, 413}
            assert answer.headers["content-type"] == "application/json"
    assert dump(server) == before


def _headers(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in MASKED}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_refusal_has_an_answer_in_every_dialect(name: str) -> None:
    for code in Code:
        answer = DIALECTS[name].refuse(OperationError(code, "No.", field="x"))
        assert 400 <= answer.status_code < 600
        assert answer.media_type == "application/json"
