"""Several short domains, each with codes of its own, and codes that are reserved."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from calls import URL, at_once, call_tool, make_link, mcp_client, unclicked
from factories import CHROME, TLS, Access, Server, start_server
from shortmcp.settings import Settings

OTHER = "https://example.com/other"


@pytest.fixture
def domains(settings: Settings) -> Iterator[Server]:
    """A server with two more short domains."""
    with ExitStack() as stack:
        more = ("https://go.example", "http://s.example:8080")
        yield start_server(settings.model_copy(update={"domains": more}), stack)


def visit(server: Server, code: str, host: str) -> httpx2.Response:
    headers = {"Host": host, "User-Agent": CHROME}
    return httpx2.get(f"{server.url}/{code}", headers=headers, timeout=30, trust_env=False, verify=TLS)


def test_each_domain_has_codes_of_its_own(domains: Server) -> None:
    with domains.client(domains.open_workspace()) as client, domains.client(domains.open_workspace()) as others:
        own = make_link(client, short_code="launch")
        there = make_link(others, short_code="launch", domain="go.example", original_url=OTHER)
        assert own["short_url"] == f"{domains.url}/launch"
        assert (there["domain"], there["short_url"]) == ("go.example", "https://go.example/launch")

    for _ in range(2):  # from the database, then from memory
        assert visit(domains, "launch", "go.example").headers["location"] == OTHER
        assert visit(domains, "launch", "GO.example:443").headers["location"] == OTHER
        assert visit(domains, "launch", "s.example:8080").status_code == 404
        for host in (domains.url.removeprefix("http://"), "unknown.example", "go.example.evil.example"):
            assert visit(domains, "launch", host).headers["location"] == URL
            assert visit(domains, "go.example/launch", host).status_code == 404


@pytest.mark.parametrize("named", ["go.example", "https://go.example", "https://GO.example/"])
def test_a_domain_may_be_named_by_host_or_by_address(domains: Server, named: str) -> None:
    with domains.client(domains.open_workspace()) as client:
        assert make_link(client, domain=named)["domain"] == "go.example"


def test_a_change_on_one_domain_is_felt_there_and_nowhere_else(domains: Server) -> None:
    with domains.client(domains.open_workspace()) as client:
        for domain in (None, "go.example"):
            make_link(client, short_code="launch", domain=domain)
        visit(domains, "launch", "go.example")
        changed = client.patch("/links/launch", params={"domain": "go.example"}, json={"original_url": OTHER})
        assert changed.json()["data"]["domain"] == "go.example"
        assert visit(domains, "launch", "go.example").headers["location"] == OTHER
        assert visit(domains, "launch", "").headers["location"] == URL
        assert client.delete("/links/launch", params={"domain": "go.example"}).status_code == 204
        assert visit(domains, "launch", "go.example").status_code == 410
        assert visit(domains, "launch", "").status_code == 302
        moved = client.patch("/links/launch", json={"domain": "go.example"})
        assert (moved.status_code, list(moved.json()["errors"])) == (422, ["domain"])


def test_a_new_link_s_location_names_its_domain(domains: Server) -> None:
    with domains.client(domains.open_workspace()) as client:
        for domain in (None, "go.example"):
            fields = {"original_url": URL, "title": "A link", "short_code": "launch", "domain": domain}
            made = client.post("/links", json=fields)
            assert client.get(made.headers["location"]).json() == {"data": unclicked(made.json()["data"])}


def test_a_code_without_a_domain_means_the_own_one_or_the_only_other(domains: Server) -> None:
    access = domains.open_workspace()
    with domains.client(access) as client, mcp_client(domains, access) as tools:
        make_link(client, short_code="launch", domain="go.example")
        assert client.get("/links/launch").json()["data"]["domain"] == "go.example"
        make_link(client, short_code="launch", domain="s.example:8080")
        answer = client.get("/links/launch")
        assert (answer.status_code, "`domain`" in answer.json()["message"]) == (409, True)
        make_link(client, short_code="launch")
        assert client.get("/links/launch").json()["data"]["short_url"] == f"{domains.url}/launch"
        found = call_tool(tools, "get_short_link", {"short_code": "launch", "domain": "s.example:8080"})
        assert found["structuredContent"]["data"]["short_url"] == "http://s.example:8080/launch"


@pytest.mark.parametrize("destination", ["https://go.example/x", "http://GO.example./", "https://s.example/"])
def test_no_link_leads_to_a_short_domain(domains: Server, destination: str) -> None:
    with domains.client(domains.open_workspace()) as client:
        answer = client.post("/links", json={"original_url": destination, "title": "Round and round"})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["original_url"])


def test_no_header_makes_a_short_url(domains: Server) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    with domains.client(domains.open_workspace()) as client:
        client.headers.update(headers)
        answer = client.post("/links", json={"original_url": URL, "title": "A link"})
        assert "evil.example" not in answer.text + str(answer.headers)


def reserve(server: Server, access: Access, **fields: Any) -> httpx2.Response:
    with server.client(access) as client:
        return client.post("/reserved-codes", json=fields)


def test_a_reserved_code_is_for_its_workspace_alone(server: Server) -> None:
    mine, theirs = server.open_workspace(), server.open_workspace()
    made = reserve(server, mine, short_code="My Brand")
    assert (made.status_code, made.json()["data"]["short_code"]) == (201, "my-brand")
    assert server.visit("my-brand").status_code == 404
    with server.client(mine) as client, server.client(theirs) as others:
        taken = {"original_url": URL, "title": "x", "short_code": "my-brand"}
        assert others.post("/links", json=taken).json()["message"] == "This short code is already taken."
        assert reserve(server, theirs, short_code="my-brand").status_code == 422
        assert reserve(server, mine, short_code="my-brand").status_code == 422
        assert others.delete("/reserved-codes/my-brand").status_code == 404
        assert others.get("/reserved-codes").json()["data"] == []
        assert [code["short_code"] for code in client.get("/reserved-codes").json()["data"]] == ["my-brand"]
        assert client.post("/links", json=taken).status_code == 201
        assert client.get("/reserved-codes").json()["data"] == []
        assert server.visit("my-brand").status_code == 302


def test_a_released_code_goes_to_nobody_else(server: Server) -> None:
    mine, theirs = server.open_workspace(), server.open_workspace()
    reserve(server, mine, short_code="my-brand")
    with server.client(mine) as client:
        assert client.delete("/reserved-codes/My-Brand").status_code == 204
        assert client.delete("/reserved-codes/my-brand").status_code == 404
    assert reserve(server, theirs, short_code="my-brand").status_code == 422
    assert reserve(server, mine, short_code="my-brand").status_code == 201
    assert server.visit("my-brand").status_code == 404


def test_reserved_codes_count_as_links_and_using_one_costs_nothing_more(server: Server) -> None:
    access = server.open_workspace(plan="basic")
    with server.begin() as ctx:
        ctx.session.connection().exec_driver_sql(
            "INSERT INTO short_codes (domain, code, workspace_id, kind) "
            + " UNION ALL ".join(f"SELECT '', 'c-{n}', {access.workspace_id}, 'link'" for n in range(499))
        )
    with server.client(access) as client:
        assert reserve(server, access, short_code="last").status_code == 201
        assert reserve(server, access, short_code="one-more").json()["plan_limit_reached"] is True
        assert client.post("/links", json={"original_url": URL, "title": "x"}).json()["plan_limit_reached"] is True
        assert make_link(client, short_code="last")["short_code"] == "last"
        assert client.get("/usage").json()["data"]["links"] == {"used": 500, "limit": 500}


def test_one_of_many_gets_a_code_that_all_want(server: Server) -> None:
    accesses = [server.open_workspace() for _ in range(8)]
    answers = at_once(*[lambda access=access: reserve(server, access, short_code="gold") for access in accesses])
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7


def test_codes_are_in_a_toolset_of_their_own(server: Server) -> None:
    with mcp_client(server, server.open_workspace()) as tools:
        made = call_tool(tools, "reserve_code", {"short_code": "my-brand"})
        assert made["structuredContent"]["data"]["short_url"] == f"{server.url}/my-brand"
        assert call_tool(tools, "list_reserved_codes", {})["structuredContent"]["total"] == 1
        assert call_tool(tools, "release_code", {"short_code": "my-brand"})["isError"] is False
