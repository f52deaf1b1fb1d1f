"""Who may call REST: tokens, scopes, plans, suspension."""

import socket
from dataclasses import replace

import httpx2
import pytest

from calls import URL, make_link
from factories import TLS, Server
from shortmcp.core.context import Scope
from shortmcp.core.tokens import revoke_token
from shortmcp.core.workspaces import set_plan, suspend_workspace

NO_TOKEN = {
    "message": "The token is missing or not valid: send `Authorization: Bearer ID|SECRET`.",
    "code": "unauthenticated",
}
READ_ONLY = "This token is read-only and `{}` changes data: use a read & write token of the workspace."


def test_whatever_is_no_token_is_unauthenticated(server: Server) -> None:
    access = server.open_workspace()
    identifier, secret = access.token.split("|")
    malformed = [
        "", "Bearer", "bearer  x", "Bearer |", "Bearer 1|", f"Bearer |{secret}", f"Bearer {secret}",
        f"Bearer {identifier}", f"Bearer {identifier}|{secret}x", f"Bearer {identifier}|{secret[:-1]}",
        f"Bearer {identifier}|{secret.swapcase()}", f"Bearer 0{identifier}|{secret}", f"Bearer +{identifier}|{secret}",
        f"Bearer -{identifier}|{secret}", f"Bearer 9{'9' * 30}|{secret}", f"Bearer {2**63}|{secret}",
        f"Bearer {2**63 - 1}|{secret}", f"Bearer {2**31}|{secret}", f"Bearer {2**31 - 1}|{secret}",
        f"Bearer {identifier}||{secret}", f"Bearer {identifier}|{secret} x",
        f"Bearer \N{FULLWIDTH DIGIT ONE}|{secret}", f"Bearer {'x' * 8000}", f"Basic {access.token}",
        f"Token {access.token}", access.token, f"Bearer\t{access.token}", f"Bearer: {access.token}",
        "Bearer é|ü", "Bearer \N{SNOWMAN}|\N{SNOWMAN}",
    ]  # fmt: skip
    with server.client() as client:
        for header in malformed:
            answer = client.get("/projects", headers=[(b"Authorization", header.encode())])
            assert (header, answer.status_code, answer.json()) == (header, 401, NO_TOKEN)
            assert answer.headers["www-authenticate"] == "Bearer"
        twice = [("Authorization", f"Bearer {access.token}")] * 2
        assert client.get("/projects", headers=twice).status_code == 401
        assert client.get("/projects", params={"token": access.token, "access_token": access.token}).status_code == 401
        assert client.get("/projects", headers={"Cookie": f"token={access.token}"}).status_code == 401
        for good in (f"bearer {access.token}", f"BEARER  {access.token}"):
            assert client.get("/projects", headers={"Authorization": good}).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_header_that_is_no_http_is_refused_by_the_server(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.node.settings.port), 10) as raw:
        raw.sendall(b"GET /api/v1/projects HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer 1|\0\r\n\r\n")
        assert raw.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))


def test_a_revoked_token_is_dead_on_the_next_request_and_others_live(server: Server) -> None:
    access = server.open_workspace()
    other = server.add_token(access, Scope.WRITE)
    with server.client(access) as client, server.client(other) as sibling:
        assert client.get("/projects").status_code == 200
        with server.begin() as ctx:
            revoke_token(ctx, access.token_id)
        answer = client.get("/projects")
        assert (answer.status_code, answer.json()) == (401, NO_TOKEN)
        assert sibling.get("/projects").status_code == 200


def test_a_read_only_token_reads_everything_and_writes_nothing(server: Server) -> None:
    access = server.open_workspace(name="Own")
    with server.client(access) as writer, server.client(server.add_token(access, Scope.READ)) as reader:
        make_link(writer, short_code="own-link")
        for path in (
            "/projects", "/projects/own", "/projects/own/links", "/projects/own/analytics", "/links", "/links/own-link",
            "/links/own-link/qr", "/links/own-link/analytics", "/links/own-link/clicks", "/analytics", "/usage",
        ):  # fmt: skip
            assert reader.get(path).content[:8] == writer.get(path).content[:8]
            assert reader.get(path).status_code == 200
        for method, path, operation in (
            ("POST", "/projects", "create_project"),
            ("PATCH", "/projects/own", "update_project"),
            ("DELETE", "/projects/own", "delete_project"),
            ("POST", "/links", "create_short_link"),
            ("PATCH", "/links/own-link", "update_short_link"),
            ("DELETE", "/links/own-link", "delete_short_link"),
        ):
            # The scope comes first: what was sent makes no difference.
            for content in (b"", b"{}", b"no json"):
                refused = reader.request(method, path, content=content)
                answer = {"message": READ_ONLY.format(operation), "code": "forbidden"}
                assert (refused.status_code, refused.json()) == (403, answer)


def test_the_free_plan_has_no_api_and_a_move_to_it_leaves_links_alone(server: Server) -> None:
    access = server.open_workspace(plan="basic")
    sentence = "The plan of this workspace has no API access: move it to a plan that has."
    with server.client(access) as client:
        make_link(client, short_code="kept")
        with server.begin() as ctx:
            set_plan(ctx, access.slug, "free")
        for answer in (client.get("/links"), client.post("/links", json={}), client.get("/usage")):
            assert (answer.status_code, answer.json()) == (403, {"message": sentence, "code": "forbidden"})
        assert server.visit("kept").headers["location"] == URL
        with server.begin() as ctx:
            set_plan(ctx, access.slug, "basic")
        assert client.get("/links").json()["data"][0]["short_code"] == "kept"


def test_a_suspended_workspace_answers_no_call_and_goes_on_redirecting(server: Server) -> None:
    access = server.open_workspace()
    suspended = "This workspace is suspended: its links go on working, its API does not. Ask its operator."
    with server.client(access) as client:
        make_link(client, short_code="kept")
        with server.begin() as ctx:
            suspend_workspace(ctx, access.slug, suspended=True)
        answer = client.get("/links")
        assert (answer.status_code, answer.json()) == (403, {"message": suspended, "code": "forbidden"})
        assert server.visit("kept").status_code == 302
        # A wrong secret learns nothing of it.
        with server.client(replace(access, token=access.token[:-1])) as stranger:
            assert stranger.get("/links").json() == NO_TOKEN
        with server.begin() as ctx:
            suspend_workspace(ctx, access.slug, suspended=False)
        assert client.get("/links").status_code == 200


def test_under_api_everything_is_json_whatever_accept_says(server: Server) -> None:
    nothing = {"message": "There is nothing at this path.", "code": "not_found"}
    wrong = {"message": "This path does not take that method.", "code": "method_not_allowed"}
    access = server.open_workspace()
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "image/png", "", "nonsense"):
        headers = {"Accept": accept}
        with server.client(access) as client:
            client.headers.update(headers)
            for path in ("/nope", "/projects/", "/links/a/b/c", "/", "//links", "/links/..%2fprojects", "/%00"):
                answer = client.get(path)
                assert (path, answer.status_code, answer.json()) == (path, 404, nothing)
                assert "x-ratelimit-remaining" in answer.headers
            answer = client.put("/projects")
            assert (answer.status_code, answer.json()) == (405, wrong)
            assert answer.headers["allow"] == "GET, HEAD, POST"
            assert client.request("PROPFIND", "/usage").status_code == 405
            assert client.get("/projects").headers["content-type"] == "application/json"
            assert client.post("/openapi.json").headers["allow"] == "GET, HEAD"
        for path in ("/api", "/api/", "/api/v2/projects", "/api/v1", "/api/v1/nope"):
            answer = httpx2.get(server.url + path, headers=headers, trust_env=False, verify=TLS)
            assert (path, answer.status_code, answer.json()) == (path, 404, nothing)
