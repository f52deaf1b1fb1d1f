import httpx2
import pytest

from faces.mcp.dialogue import ACCEPT, MODERN, authorize, call, modern, post, read_answer
from factories import TLS, Access, Server

# What stands before the operations asks the database for the token alone: one kind of database is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "OPTIONS"])
def test_nothing_but_post_is_taken(server: Server, method: str) -> None:
    headers = ACCEPT | authorize(server.open_workspace())
    answer = httpx2.request(method, f"{server.url}/mcp", headers=headers, trust_env=False, verify=TLS)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"error": "refused", "message": "MCP over HTTP takes POST alone here."}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example", 421),
        ("Host", "localhost.evil.example:80", 421),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://127.0.0.1.evil.example", 403),
        ("Content-Type", "text/plain", 400),
        ("Content-Type", "application/x-www-form-urlencoded", 400),
        ("Content-Encoding", "gzip", 400),
    ],
)
def test_a_page_of_another_site_gets_in_by_no_header(server: Server, header: str, value: str, status: int) -> None:
    refused = post(server, server.open_workspace(), call("get_usage"), {header: value})
    assert refused.status_code == status
    assert refused.json()["error"] == "refused"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:3000", "http://localhost:6274"])
def test_pages_of_this_machine_get_in(server: Server, origin: str) -> None:
    assert post(server, server.open_workspace(), call("get_usage"), {"Origin": origin}).status_code == 200


def test_a_body_of_five_megabytes_is_too_large(server: Server) -> None:
    refused = post(server, server.open_workspace(), b" " * (5 << 20))
    assert refused.status_code == 413
    assert refused.json()["message"] == f"The body may be at most {4 << 20} bytes long."


def test_a_body_that_hides_its_length_is_bounded_as_well(server: Server) -> None:
    access = server.open_workspace()
    headers = ACCEPT | authorize(access)
    chunks = (b" " * (1 << 16) for _ in range(80))
    refused = httpx2.post(f"{server.url}/mcp", content=chunks, headers=headers, timeout=30, trust_env=False, verify=TLS)
    assert refused.status_code == 413


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "bearer  x",
        "Basic YTpi",
        "Bearer 1|",
        "Bearer |x",
        "Bearer 1|" + "x" * 8000,
        "Bearer é",
    ],
)
def test_no_token_but_a_live_one_gets_in(server: Server, authorization: str) -> None:
    refused = post(server, None, call("get_usage"), {"Authorization": authorization})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_a_token_anywhere_but_in_its_header_is_not_seen(server: Server) -> None:
    access = server.open_workspace()
    asked = httpx2.post(
        f"{server.url}/mcp",
        params={"token": access.token, "access_token": access.token},
        headers=ACCEPT | {"Cookie": f"token={access.token}"},
        json=call("get_usage"),
        trust_env=False,
        verify=TLS,
    )
    assert asked.status_code == 401


def test_two_authorization_headers_are_none(server: Server) -> None:
    access = server.open_workspace()
    headers = [*ACCEPT.items(), *authorize(access).items(), *authorize(access).items()]
    refused = httpx2.post(f"{server.url}/mcp", headers=headers, json=call("get_usage"), trust_env=False, verify=TLS)
    assert refused.status_code == 401


@pytest.mark.parametrize("session", ["x", "0" * 10_000, "\xff", "../../etc"])
def test_session_ids_mean_nothing(server: Server, session: str) -> None:
    answer = post(server, server.open_workspace(), call("get_usage"), {"Mcp-Session-Id": session})
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/openid-configuration",
        "/register",
        "/authorize",
        "/token",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_clients_that_look_for_oauth_are_told_in_json_that_there_is_none(
    server: Server, method: str, path: str
) -> None:
    answer = httpx2.request(method, server.url + path, headers={"Accept": "text/html"}, trust_env=False, verify=TLS)
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


def test_the_first_era_has_ping_and_the_second_has_none(server: Server) -> None:
    access = server.open_workspace()
    assert read_answer(post(server, access, PING))["result"] == {}
    message, headers = modern(PING)
    refused = post(server, access, message, headers)
    assert (refused.status_code, read_answer(refused)["error"]["code"]) == (404, -32601)


def test_the_tool_list_may_be_kept_by_its_owner_alone(server: Server) -> None:
    message, headers = modern(LIST)
    listed = read_answer(post(server, server.open_workspace(), message, headers))["result"]
    assert (listed["ttlMs"], listed["cacheScope"]) == (60_000, "private")


@pytest.mark.parametrize(
    "wrong",
    [{"Mcp-Method": "tools/list"}, {"Mcp-Name": "delete_project"}, {"Mcp-Method": ""}, {"Mcp-Name": ""}],
)
def test_headers_that_contradict_the_body_are_refused(server: Server, wrong: dict[str, str]) -> None:
    message, headers = modern(call("get_usage"))
    refused = post(server, server.open_workspace(), message, headers | wrong)
    assert (refused.status_code, read_answer(refused)["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("version", ["2099-01-01", "x" * 5000, "2025-11-25,2026-07-28", "\xe9"])
def test_a_version_that_never_was_is_refused(server: Server, version: str) -> None:
    access: Access = server.open_workspace()
    refused = post(server, access, call("get_usage"), {"MCP-Protocol-Version": version})
    assert refused.status_code == 400
    assert read_answer(refused)["error"]["code"] < 0
    assert MODERN in refused.text or "_meta" in refused.text


def test_a_toolset_that_there_is_not_is_refused_by_name(server: Server) -> None:
    headers = {"X-MCP-Toolsets": "core,nonsense"}
    refused = post(server, server.open_workspace(), call("get_usage"), headers)
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("`toolsets` may name core, codes, pastes, secrets, webhooks or all")
