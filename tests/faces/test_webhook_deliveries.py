"""Webhooks at work: from what happens to what a real endpoint receives, signed, once more where it failed."""

import hmac
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from standardwebhooks import WebhookVerificationError

from calls import make_link
from endpoints import Endpoint, open_endpoint
from factories import Access, Server, start_server
from journals import eventually
from shortmcp.core.events.announcing import Event
from shortmcp.core.links.checks import Safety, digest_of
from shortmcp.core.links.safety import Verdict, store_verdict
from shortmcp.settings import Settings

EVERYTHING = [event.value for event in Event]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Endpoints on loopback may be reached."""
    return settings.model_copy(update={"allow_private_webhooks": True})


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace(name="Own")


@pytest.fixture
def client(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with server.client(access) as opened:
        yield opened


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with open_endpoint() as opened:
        yield opened


def listen(client: httpx2.Client, endpoint: Endpoint, *events: str, **fields: object) -> dict[str, Any]:
    given = {"url": endpoint.url, **({"event_types": events} if events else {}), **fields}
    answer = client.post("/webhooks", json=given)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def deliveries(client: httpx2.Client, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.get(f"/webhooks/{webhook['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def statuses(client: httpx2.Client, webhook: dict[str, Any]) -> list[str]:
    return [delivery["status"] for delivery in deliveries(client, webhook)]


def count_clicks(server: Server) -> int:
    with server.node.database.read() as connection:
        return connection.execute(text("SELECT count(*) FROM clicks")).scalar_one()


def make_due(server: Server) -> None:
    """As if the pause before the next attempt were over."""
    with server.begin() as ctx:
        ctx.session.connection().execute(text("UPDATE webhook_deliveries SET run_at = 0 WHERE state = 'queued'"))


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


def test_a_delivery_is_signed_twice_and_a_changed_one_is_found_out(
    server: Server, client: httpx2.Client, endpoint: Endpoint
) -> None:
    webhook = listen(client, endpoint, "link.created")
    make_link(client)
    eventually(lambda: len(endpoint.received) == 1)
    [received] = endpoint.received
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"].startswith("msg_")
    assert abs(int(received.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 100
    assert received.verify(webhook["secret"])["type"] == "link.created"
    expected = hmac.new(webhook["secret"].encode(), received.body, "sha256").hexdigest()
    assert received.headers["x-slsh-signature"] == expected
    received.headers["webhook-id"] = "msg_other"
    with pytest.raises(WebhookVerificationError):
        received.verify(webhook["secret"])


def test_while_a_secret_is_being_changed_both_sign(client: httpx2.Client, endpoint: Endpoint, server: Server) -> None:
    webhook = listen(client, endpoint, "link.created")
    new = client.post(f"/webhooks/{webhook['id']}/rotate-secret").json()["data"]["secret"]
    make_link(client)
    eventually(lambda: len(endpoint.received) == 1)
    [received] = endpoint.received
    assert received.verify(webhook["secret"]) == received.verify(new)
    expected = hmac.new(new.encode(), received.body, "sha256").hexdigest()
    assert received.headers["x-slsh-signature"] == expected
    with server.begin() as ctx:
        ctx.session.connection().execute(text("UPDATE webhooks SET old_salt_until = 1"))
    make_link(client)
    eventually(lambda: len(endpoint.received) == 2)
    with pytest.raises(WebhookVerificationError):
        endpoint.received[1].verify(webhook["secret"])


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


def test_a_failed_delivery_is_tried_again_with_the_same_id(server: Server, client: httpx2.Client) -> None:
    with open_endpoint(500, 302) as endpoint:
        webhook = listen(client, endpoint, "link.created")
        make_link(client)
        for attempts, status in ((1, 500), (2, 302), (3, 200)):
            eventually(lambda: deliveries(client, webhook)[0]["attempts"] == attempts)  # noqa: B023
            eventually(lambda: deliveries(client, webhook)[0]["response_status"] == status)  # noqa: B023
            make_due(server)
        [delivery] = deliveries(client, webhook)
        first, *others = endpoint.received
    assert len(others) == 2
    assert {one.headers["webhook-id"] for one in others} == {first.headers["webhook-id"]} == {delivery["event_id"]}
    assert {one.body for one in others} == {first.body}
    assert {one.verify(webhook["secret"])["type"] for one in others} == {"link.created"}
    assert (delivery["status"], delivery["error"], delivery["next_attempt_at"]) == ("succeeded", None, None)
    assert client.get(f"/webhooks/{webhook['id']}").json()["data"].get("failing_since") is None


def test_what_failed_is_shown_without_the_endpoint_s_words_and_can_be_retried(
    server: Server, client: httpx2.Client
) -> None:
    with open_endpoint(503) as endpoint:
        webhook = listen(client, endpoint, "link.created")
        make_link(client)
        eventually(lambda: deliveries(client, webhook)[0]["attempts"] == 1)
        eventually(lambda: deliveries(client, webhook)[0]["error"] is not None)
        [delivery] = deliveries(client, webhook)
        wait = datetime.fromisoformat(delivery["next_attempt_at"]) - datetime.fromisoformat(delivery["attempted_at"])
        assert timedelta(seconds=4) <= wait <= timedelta(seconds=7)
        assert {**delivery, "attempted_at": 0, "next_attempt_at": 0, "created_at": 0, "event_id": 0} == {
            "id": delivery["id"],
            "event_id": 0,
            "event": "link.created",
            "is_test": False,
            "status": "pending",
            "attempts": 1,
            "response_status": 503,
            "error": "The endpoint answered 503.",
            "attempted_at": 0,
            "next_attempt_at": 0,
            "created_at": 0,
        }
        there = f"/webhooks/{webhook['id']}/deliveries/{delivery['id']}/retry"
        assert client.post(there).json()["data"]["attempts"] in {0, 1}
        eventually(lambda: statuses(client, webhook) == ["succeeded"])
        client.post(there)
        eventually(lambda: len(endpoint.received) == 3)
        client.patch(f"/webhooks/{webhook['id']}", json={"is_active": False})
        assert client.post(there).status_code == 409
        assert client.post(f"/webhooks/{webhook['id']}/deliveries/2147483000/retry").status_code == 404


def test_nobody_retries_what_was_sent_to_another_webhook(
    server: Server, client: httpx2.Client, endpoint: Endpoint
) -> None:
    own = listen(client, endpoint)
    with server.client(server.open_workspace()) as others:
        theirs = listen(others, endpoint, "link.created")
        make_link(others)
        eventually(lambda: statuses(others, theirs) == ["succeeded"])
        number = deliveries(others, theirs)[0]["id"]
        answers = [
            client.post(f"/webhooks/{webhook}/deliveries/{delivery}/retry")
            for webhook, delivery in ((own["id"], number), (own["id"], 2_147_483_000), (theirs["id"], number))
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert answers[0].content == answers[1].content
        assert client.get(f"/webhooks/{theirs['id']}/deliveries").status_code == 404
        assert [one["attempts"] for one in deliveries(others, theirs)] == [1]


def test_an_endpoint_that_is_gone_is_switched_off(client: httpx2.Client) -> None:
    with open_endpoint(410) as endpoint:
        webhook = listen(client, endpoint, "link.created")
        make_link(client)
        there = f"/webhooks/{webhook['id']}"
        eventually(lambda: client.get(there).json()["data"]["disabled_reason"] == "gone")
        make_link(client)
        assert statuses(client, webhook) == ["failed"]
    assert len(endpoint.received) == 1


def test_a_test_delivery_comes_to_one_that_is_off_too_and_only_once(client: httpx2.Client) -> None:
    with open_endpoint(200, 500) as endpoint:
        webhook = listen(client, endpoint)
        there = f"/webhooks/{webhook['id']}"
        client.patch(there, json={"is_active": False})
        pending = client.post(f"{there}/test").json()["data"]
        assert (pending["event"], pending["is_test"], pending["status"]) == ("link.clicked", True, "pending")
        eventually(lambda: statuses(client, webhook) == ["succeeded"])
        assert client.post(f"{there}/test", json={"event": "link.blocked"}).json()["data"]["event"] == "link.blocked"
        eventually(lambda: statuses(client, webhook) == ["failed", "succeeded"])
        assert endpoint.received[0].verify(webhook["secret"])["data"].keys() == {"click", "link"}
        assert client.get(there).json()["data"].get("failing_since") is None


@pytest.mark.parametrize("proves", [True, False])
def test_a_webhook_may_begin_with_a_handshake(client: httpx2.Client, proves: bool) -> None:
    with ExitStack() as stack:
        said = list[bytes]()

        def behave(connection: Any) -> None:
            challenge = endpoint.events[0]["data"]["challenge"]
            body = f'{{"challenge": "{challenge if proves else "x"}"}}'.encode()
            said.append(body)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

        endpoint = stack.enter_context(open_endpoint(behave=behave))
        webhook = listen(client, endpoint, verify=True)
        assert (webhook["is_active"], webhook["disabled_reason"]) == (False, "unverified")
        eventually(lambda: deliveries(client, webhook)[0]["attempted_at"] is not None)
        assert endpoint.received[0].verify(webhook["secret"])["type"] == "webhook.challenge"
        shown = client.get(f"/webhooks/{webhook['id']}").json()["data"]
        assert (shown["is_active"], shown["disabled_reason"]) == ((True, None) if proves else (False, "unverified"))


def test_nothing_is_delivered_after_a_webhook_is_deleted(
    server: Server, client: httpx2.Client, endpoint: Endpoint
) -> None:
    webhook = listen(client, endpoint, "link.created", "link.clicked")
    client.patch(f"/webhooks/{webhook['id']}", json={"event_types": ["link.updated"]})
    make_link(client, short_code="launch")
    client.patch("/links/launch", json={"title": "New"})
    eventually(lambda: len(endpoint.received) == 1)
    client.delete(f"/webhooks/{webhook['id']}")
    witness = listen(client, endpoint, "link.updated")
    client.patch("/links/launch", json={"title": "Newer"})
    eventually(lambda: statuses(client, witness) == ["succeeded"])
    assert [one["data"]["link"]["title"] for one in endpoint.events] == ["New", "Newer"]


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


def test_private_endpoints_are_not_reached_unless_the_operator_says_so(settings: Settings, endpoint: Endpoint) -> None:
    with ExitStack() as stack:
        guarded = start_server(settings.model_copy(update={"allow_private_webhooks": False}), stack)
        with guarded.client(guarded.open_workspace()) as client:
            webhook = client.post("/webhooks", json={"url": "https://example.com/"}).json()["data"]
            with guarded.begin() as ctx:
                # As if a name led there that led elsewhere before.
                change = text("UPDATE webhooks SET url = :url")
                ctx.session.connection().execute(change, {"url": f"https://127.0.0.1:{endpoint.outlet.port}/"})
            client.post(f"/webhooks/{webhook['id']}/test")
            eventually(lambda: statuses(client, webhook) == ["failed"])
            assert deliveries(client, webhook)[0]["error"] == "Only the ports 80 and 443 may be reached."
    assert endpoint.outlet.requests == []


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
