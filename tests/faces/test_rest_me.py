"""Connection tests: what a token learns about itself."""

import pytest

from calls import make_link
from factories import Server
from shortmcp.core.context import Scope


@pytest.mark.parametrize("scope", [Scope.WRITE, Scope.READ])
def test_a_token_learns_its_workspace_its_scope_and_what_is_left_of_the_plan(server: Server, scope: Scope) -> None:
    access = server.open_workspace(name="Own", plan="pro")
    shown = server.add_token(access, scope)
    with server.client(access) as writer, server.client(shown) as client:
        make_link(writer)
        me, usage = client.get("/me").json()["data"], client.get("/usage").json()["data"]
    assert me == {
        "workspace": {
            "id": access.workspace_id,
            "name": f"Own {access.slug.removeprefix('own-')}",
            "slug": access.slug,
            "plan": "pro",
        },
        "token": {"id": shown.token_id, "name": "another", "scope": scope.value},
        # Each of the two calls is counted before it is answered.
        "usage": {**usage, "calls_this_month": 1, "remaining": usage["limit"] - 1},
    }
    assert me["usage"]["links"] == {"used": 1, "limit": 10_000}


def test_it_tells_no_secret(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client:
        assert access.token.split("|")[1] not in client.get("/me").text
