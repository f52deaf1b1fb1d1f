"""Webhooks over REST and MCP: made, shown, changed, deleted, and refused with a sentence."""

from collections.abc import Iterator

import httpx2
import pytest
from sqlalchemy import text

from calls import at_once, call_mcp, call_tool, make_link, mcp_client
from factories import Access, Server
from shortmcp.core.events.announcing import Event

URL = "https://hooks.example.com/in"
SHOWN = {
    *("id", "url", "event_types", "project_id", "link_id", "is_active", "disabled_reason", "failing_since"),
    *("created_at", "updated_at"),
}


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace(name="Own")


@pytest.fixture
def client(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with server.client(access) as opened:
        yield opened


def make(client: httpx2.Client, **fields: object) -> dict[str, object]:
    answer = client.post("/webhooks", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def test_a_secret_is_shown_once_and_kept_nowhere(server: Server, client: httpx2.Client) -> None:
    made = client.post("/webhooks", json={"url": URL})
    webhook = made.json()["data"]
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    assert webhook.keys() == SHOWN
    assert (webhook["url"], webhook["event_types"], webhook["is_active"]) == (URL, ["link.clicked"], True)
    assert made.headers["location"].endswith(f"/api/v1/webhooks/{webhook['id']}")
    there = f"/webhooks/{webhook['id']}"
    assert client.get(there).json() == {"data": webhook}
    assert client.get("/webhooks").json() == {"data": [webhook]}
    with server.node.database.read() as connection:
        rows = connection.execute(text("SELECT * FROM webhooks")).all()
    assert secret.removeprefix("whsec_") not in repr(rows)
    rotated = client.post(f"{there}/rotate-secret").json()["data"]
    assert rotated["secret"] != secret
    assert client.get(there).json()["data"].keys() == SHOWN


def test_a_retry_of_the_creation_makes_no_second_one_and_shows_no_secret(client: httpx2.Client) -> None:
    first, again = (client.post("/webhooks", json={"url": URL}, headers={"Idempotency-Key": "a"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 409)
    assert "whsec_" not in again.text
    assert len(client.get("/webhooks").json()["data"]) == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://hooks.example.com/", "`url` must begin with https://."),
        ("ftp://hooks.example.com/", "`url` must begin with https://, http://, mailto: or tel:."),
        ("mailto:ann@example.com", "`url` must begin with https://."),
        ("https://hooks.example.com:8443/", "`url` must use the port 443: leave the port out."),
        *(
            (f"https://{host}/", "`url` leads to a private or reserved address: give one on the public Internet.")
            for host in (
                *("127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "169.254.169.254", "10.1.2.3", "localhost"),
                *("[::1]", "[::ffff:7f00:1]", "[64:ff9b::a9fe:a9fe]", "localhost.", "printer.local", "①②⑦.0.0.1"),
            )
        ),
        ("https://ann:pw@hooks.example.com/", "`url` holds a user name or password before its host; remove it and "),
        ("https://hooks.example.com/\r\nx", "`url` holds a control, invisible or spacing character; remove or "),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_url_that_no_webhook_may_have_is_refused(client: httpx2.Client, url: str, sentence: str) -> None:
    webhook = make(client)
    for answer in (
        client.post("/webhooks", json={"url": url}),
        client.patch(f"/webhooks/{webhook['id']}", json={"url": url}),
    ):
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["url"])
        assert answer.json()["message"].startswith(sentence)
    assert [one["url"] for one in client.get("/webhooks").json()["data"]] == [URL]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"event_types": []}, "event_types"),
        ({"event_types": ["link.eaten"]}, "event_types"),
        ({"event_types": None}, "event_types"),
        ({"event_types": "link.clicked"}, "event_types"),
        ({"domain": "go.example"}, "domain"),
        ({"secret": "whsec_x"}, "secret"),
        ({"salt": "x"}, "salt"),
        ({"url": None}, "url"),
        ({"is_active": None}, "is_active"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_bad_input_is_refused_and_nothing_is_stored(
    client: httpx2.Client, given: dict[str, object], field: str
) -> None:
    webhook = make(client)
    before = client.get("/webhooks").json()
    for answer in (
        client.patch(f"/webhooks/{webhook['id']}", json=given),
        client.post("/webhooks", json={"url": URL, **given}),
    ):
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert client.get("/webhooks").json() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_refusal_names_the_events_that_there_are(client: httpx2.Client) -> None:
    def message(events: object) -> str:
        return client.post("/webhooks", json={"url": URL, "event_types": events}).json()["message"]

    assert message(["link.eaten"]).startswith("`event_types` must be one of 'link.created', 'link.updated', ")
    assert message("link.clicked") == "`event_types` must be a list."
    assert message([]) == "`event_types` must hold at least 1."
    assert message(["link.clicked"] * 51) == "`event_types` may hold at most 50 items."


def test_a_webhook_can_be_limited_to_a_project_or_a_link(client: httpx2.Client) -> None:
    link = make_link(client, short_code="launch")
    webhook = make(client, project="own", link="LAUNCH")
    assert (webhook["project_id"], webhook["link_id"]) == (link["project_id"], link["id"])
    there = f"/webhooks/{webhook['id']}"
    assert client.patch(there, json={"domain": None}).json()["data"]["link_id"] == link["id"]
    freed = client.patch(there, json={"project": None, "link": None}).json()["data"]
    assert (freed["project_id"], freed["link_id"]) == (None, None)
    for given in ({"project": "nobodys"}, {"link": "nobodys"}):
        assert client.post("/webhooks", json={"url": URL, **given}).status_code == 404
        assert client.patch(there, json=given).status_code == 404


def test_what_a_webhook_is_limited_to_takes_it_along(client: httpx2.Client) -> None:
    make_link(client, short_code="launch")
    limited = [make(client, link="launch"), make(client, project="own"), make(client)]
    client.delete("/links/launch")
    client.delete("/projects/own")
    shown = [client.get(f"/webhooks/{webhook['id']}").json()["data"] for webhook in limited]
    assert [(one["is_active"], one["disabled_reason"]) for one in shown] == [
        (False, "filter_deleted"),
        (False, "filter_deleted"),
        (True, None),
    ]


def test_webhooks_are_found_by_url_and_by_event(client: httpx2.Client) -> None:
    other = "https://other.example/hook"
    first = make(client, event_types=["link.updated", "link.created", "link.created"])
    second = make(client, url=other)
    assert first["event_types"] == ["link.created", "link.updated"]
    found = {
        query: [one["id"] for one in client.get(f"/webhooks?{query}").json()["data"]]
        for query in ("", f"url={URL}", f"url={other}", "event=link.clicked", "event=link.updated", "url=x")
    }
    assert list(found.values()) == [
        [second["id"], first["id"]],
        [first["id"]],
        [second["id"]],
        [second["id"]],
        [first["id"]],
        [],
    ]
    assert client.get("/webhooks?event=link.eaten").status_code == 422


def test_a_change_is_shown_and_a_webhook_can_be_switched_off_and_on(client: httpx2.Client) -> None:
    webhook = make(client)
    there = f"/webhooks/{webhook['id']}"
    changed = client.patch(there, json={"event_types": ["link.expired"], "url": "https://other.example/"})
    assert changed.json()["data"]["event_types"] == ["link.expired"]
    off = client.patch(there, json={"is_active": False}).json()["data"]
    assert (off["is_active"], off["disabled_reason"]) == (False, "by_hand")
    on = client.patch(there, json={"is_active": True}).json()["data"]
    assert (on["is_active"], on["disabled_reason"], on["url"]) == (True, None, "https://other.example/")
    stale = client.patch(there, json={"is_active": False}, headers={"If-Match": changed.headers["etag"]})
    assert stale.status_code == 412


def test_a_new_webhook_can_be_changed_by_its_tag(client: httpx2.Client) -> None:
    made = client.post("/webhooks", json={"url": URL})
    there = f"/webhooks/{made.json()['data']['id']}"
    changed = client.patch(there, json={"is_active": True}, headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 200
    assert client.delete(there, headers={"If-Match": made.headers["etag"]}).status_code == 412
    assert client.delete(there, headers={"If-Match": changed.headers["etag"]}).status_code == 204


def test_deleting_again_is_no_error_for_those_whose_it_was(server: Server, client: httpx2.Client) -> None:
    webhook = make(client)
    there = f"/webhooks/{webhook['id']}"
    assert [client.delete(there).status_code for _ in range(3)] == [204, 204, 204]
    assert client.get(there).status_code == 404
    with server.client(server.open_workspace()) as others:
        theirs, nothing = others.delete(there), others.delete("/webhooks/2147483000")
    assert (theirs.status_code, theirs.content) == (404, nothing.content)
    for reference in ("x", "0", "-1", "9" * 30, "1.0", "%00"):
        assert client.delete(f"/webhooks/{reference}").status_code in {404, 422}


def test_no_plan_has_more_webhooks_than_it_allows(server: Server) -> None:
    with server.client(server.open_workspace(plan="basic")) as client:
        made = at_once(*[lambda: client.post("/webhooks", json={"url": URL}) for _ in range(9)])
        assert sorted(answer.status_code for answer in made) == [201] * 5 + [422] * 4
        refused = next(answer for answer in made if answer.status_code == 422)
        assert refused.json()["plan_limit_reached"] is True
        assert client.delete(f"/webhooks/{client.get('/webhooks').json()['data'][0]['id']}").status_code == 204
        assert client.post("/webhooks", json={"url": URL}).status_code == 201


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_event_has_a_sample(client: httpx2.Client) -> None:
    for event in Event:
        sample = client.get(f"/webhooks/samples/{event}").json()["data"]
        assert sample.keys() == {"type", "timestamp", "data"}
        assert (sample["type"], bool(sample["data"])) == (event, True)
    assert client.get("/webhooks/samples/link.eaten").status_code == 422


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_tools_do_the_same_and_are_in_a_set_of_their_own(server: Server, access: Access) -> None:
    with mcp_client(server, access) as tools:
        made = call_tool(tools, "create_webhook", {"url": URL})["structuredContent"]["data"]
        shown = call_tool(tools, "get_webhook", {"webhook": made["id"]})["structuredContent"]["data"]
        assert {**shown, "secret": made["secret"]} == made
        assert call_tool(tools, "delete_webhook", {"webhook": made["id"]})["isError"] is False
        assert call_tool(tools, "delete_webhook", {"webhook": str(made["id"])})["isError"] is False
        everything = {tool["name"] for tool in call_mcp(tools, "tools/list", {})["result"]["tools"]}
        tools.headers.update({"X-MCP-Toolsets": "core", "Content-Type": "application/json"})
        core = tools.post("/mcp", content=b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}').text
    assert "create_webhook" in everything
    assert "create_webhook" not in core
    assert "create_short_link" in core
