"""Deliveries: signed, once more where they failed, shown, retried, and never where they may not go."""

import hmac
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from standardwebhooks import WebhookVerificationError

from calls import make_link
from endpoints import Endpoint, deliveries, listen, open_endpoint, statuses
from factories import Server, start_server
from journals import eventually
from shortmcp.settings import Settings


def make_due(server: Server) -> None:
    """As if the pause before the next attempt were over."""
    with server.begin() as ctx:
        ctx.session.connection().execute(text("UPDATE webhook_deliveries SET run_at = 0 WHERE state = 'queued'"))


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
