"""Events: what happens to links reaches the endpoints of those who asked for it, and no others."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import text

from calls import make_link, make_paste, make_secret
from endpoints import Endpoint, deliveries, listen, open_endpoint, statuses
from factories import TLS, Access, Server, start_server
from journals import eventually
from shortmcp.core.events.announcing import Event
from shortmcp.core.links.checks import Safety, digest_of
from shortmcp.core.links.safety import Verdict, store_verdict
from shortmcp.settings import Settings

EVERYTHING = [event.value for event in Event]


def count_clicks(server: Server) -> int:
    with server.node.database.read() as connection:
        return connection.execute(text("SELECT count(*) FROM clicks")).scalar_one()


def test_a_click_is_told_with_what_is_known_of_it(server: Server, client: httpx2.Client, endpoint: Endpoint) -> None:
    webhook = listen(client, endpoint)
    link = make_link(client, short_code="launch")
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Mobile Safari/604.1"
    headers = {"X_Forwarded_For": "8.8.8.8", "Referer": "https://news.example/a?b=c", "Accept_Language": "de-AT"}
    server.visit("launch?utm_source=letter&utm_campaign=spring", agent, **headers)
    eventually(lambda: len(endpoint.received) == 1)
    [received] = endpoint.received
    event = received.verify(webhook["secret"])
    assert event.keys() == {"type", "timestamp", "data"}
    assert (event["type"], event["data"].keys()) == ("link.clicked", {"click", "link"})
    click = dict(event["data"]["click"])
    shown = client.get("/links/launch/clicks").json()["data"]
    assert shown == [click]
    assert (click["country"], click["device"], click["os"], click["browser"]) == ("US", "mobile", "ios", "safari")
    assert (click["language"], click["referrer"]) == ("de", "https://news.example/a")
    assert (click["utm_source"], click["utm_campaign"], click["utm_term"]) == ("letter", "spring", None)
    assert event["data"]["link"] == {
        name: link[name] for name in ("id", "project_id", "short_code", "domain", "short_url", "original_url", "title")
    }
    sample = client.get("/webhooks/samples/link.clicked").json()["data"]["data"]
    assert (sample.keys(), sample["click"].keys()) == (event["data"].keys(), click.keys())
    assert sample["link"].keys() == event["data"]["link"].keys()


def test_what_happens_to_links_is_told_to_those_who_asked_for_it(
    server: Server, client: httpx2.Client, endpoint: Endpoint
) -> None:
    webhook = listen(client, endpoint, *EVERYTHING)
    link = make_link(client, short_code="launch", password="a secret word")
    changed = client.patch("/links/launch", json={"title": "Other", "is_active": False}).json()["data"]
    client.patch("/links/launch", json={"title": "Other"})
    eventually(lambda: len(endpoint.received) == 3)
    told = {one["type"]: one["data"]["link"] for one in endpoint.events}
    # The number of clicks and so on are as they were then.
    assert told == {"link.created": link, "link.updated": changed, "link.disabled": changed}
    assert all(b"secret word" not in one.body for one in endpoint.received)
    eventually(lambda: statuses(client, webhook) == ["succeeded"] * 3)
    for event in told:
        sample = client.get(f"/webhooks/samples/{event}").json()["data"]["data"]
        assert sample["link"].keys() == link.keys()


def test_filters_and_switches_decide_who_is_told(server: Server, client: httpx2.Client, endpoint: Endpoint) -> None:
    make_link(client, short_code="one")
    make_link(client, short_code="two")
    other = client.post("/projects", json={"name": "Other"}).json()["data"]
    by_link = listen(client, endpoint, "link.updated", link="one")
    by_project = listen(client, endpoint, "link.updated", project=other["slug"])
    off = listen(client, endpoint, "link.updated")
    client.patch(f"/webhooks/{off['id']}", json={"is_active": False})
    with server.client(server.open_workspace()) as others:
        theirs = listen(others, endpoint, "link.updated")
        for code in ("one", "two"):
            client.patch(f"/links/{code}", json={"title": "New"})
        assert statuses(others, theirs) == []
    assert [len(statuses(client, webhook)) for webhook in (by_link, by_project, off)] == [1, 0, 0]
    eventually(lambda: len(endpoint.received) == 1)


def test_links_are_told_of_once_when_their_time_or_their_clicks_run_out(
    server: Server, client: httpx2.Client, endpoint: Endpoint
) -> None:
    webhook = listen(client, endpoint, "link.expired")
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    make_link(client, short_code="timed", expires_at=soon)
    make_link(client, short_code="counted", max_clicks=2)
    make_link(client, short_code="endless", max_clicks=2, expires_at="2100-01-01T00:00:00Z")
    assert [server.visit("counted").status_code for _ in range(3)] == [302, 302, 410]
    server.visit("endless")
    eventually(lambda: len(endpoint.received) == 2)
    told = {one["data"]["link"]["short_code"]: one["data"]["reason"] for one in endpoint.events}
    assert told == {"timed": "expires_at", "counted": "max_clicks"}
    # Changes of what has come to its end are no second end; a second life has one.
    client.patch("/links/counted", json={"max_clicks": 1})
    client.patch("/links/timed", json={"expires_at": "2100-01-01T00:00:00Z"})
    client.patch("/links/timed", json={"expires_at": "2020-01-01T00:00:00Z"})
    eventually(lambda: len(endpoint.received) == 3)
    assert endpoint.events[2]["data"]["link"]["short_code"] == "timed"
    assert len(deliveries(client, webhook)) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_end_that_came_while_the_server_was_down_is_told_after_it_is_up(
    settings: Settings, endpoint: Endpoint
) -> None:
    with ExitStack() as stack:
        first = start_server(settings.model_copy(update={"worker": False}), stack)
        access = first.open_workspace()
        with first.client(access) as client:
            listen(client, endpoint, "link.expired")
            make_link(client, short_code="past", expires_at="2020-01-01T00:00:00Z")
            make_link(client, short_code="counted", max_clicks=1)
            first.visit("counted")
    assert endpoint.received == []
    with ExitStack() as stack:
        start_server(settings, stack)
        eventually(lambda: len(endpoint.received) == 2)
    told = sorted(one["data"]["link"]["short_code"] for one in endpoint.events)
    assert told == ["counted", "past"]


def test_a_blocked_link_is_told_with_the_reason(server: Server, client: httpx2.Client, endpoint: Endpoint) -> None:
    listen(client, endpoint, "link.blocked")
    link = make_link(client)
    verdict = Verdict(Safety.UNSAFE, "a list", "malware")
    for _ in range(2):
        with server.begin() as ctx:
            store_verdict(ctx, link["id"], digest_of(link["original_url"], None), verdict)
    eventually(lambda: len(endpoint.received) == 1)
    data = endpoint.events[0]["data"]
    assert (data["threat"], data["provider"]) == ("malware", "a list")
    assert (data["link"]["id"], data["link"]["safety"]) == (link["id"], "unsafe")
    assert data["link"]["is_effectively_active"] is False


def test_a_suspended_workspace_is_told_nothing(server: Server, access: Access, client: httpx2.Client) -> None:
    with open_endpoint() as endpoint:
        webhook = listen(client, endpoint)
        make_link(client, short_code="launch")
        suspend = text("UPDATE workspaces SET suspended_at = :at WHERE id = :id")
        with server.begin() as ctx:
            ctx.session.connection().execute(suspend, {"at": 1, "id": access.workspace_id})
        server.visit("launch")
        eventually(lambda: count_clicks(server) == 1)
        with server.begin() as ctx:
            ctx.session.connection().execute(suspend, {"at": None, "id": access.workspace_id})
        assert statuses(client, webhook) == []


def test_a_paste_is_told_without_its_text(client: httpx2.Client, endpoint: Endpoint) -> None:
    listen(client, endpoint, "paste.created")
    paste = make_paste(client, title="Ours", content="the text itself", password="open sesame")
    eventually(lambda: len(endpoint.received) == 1)
    [received] = endpoint.received
    assert endpoint.events[0]["data"] == {"paste": paste}
    assert b"the text itself" not in received.body
    sample = client.get("/webhooks/samples/paste.created").json()["data"]["data"]
    assert sample["paste"].keys() == paste.keys()


def test_every_reveal_is_told_by_whichever_way_and_never_its_content(
    server: Server, client: httpx2.Client, endpoint: Endpoint
) -> None:
    listen(client, endpoint, "secret.revealed")
    slug = make_secret(client, "the canary", max_uses=2)
    client.post(f"/secrets/{slug}/reveal")
    assert "the canary" in httpx2.post(f"{server.url}/{slug}", trust_env=False, verify=TLS).text
    assert client.post(f"/secrets/{slug}/reveal").status_code == 410
    eventually(lambda: len(endpoint.received) == 2)
    told = [event["data"]["secret"] for event in endpoint.events]
    assert sorted((one["slug"], one["remaining_uses"], one["is_active"]) for one in told) == [
        (slug, 0, False),
        (slug, 1, True),
    ]
    assert not any(b"the canary" in received.body for received in endpoint.received)
    sample = client.get("/webhooks/samples/secret.revealed").json()["data"]["data"]
    assert sample["secret"].keys() == told[0].keys()
