"""Whose a secret is: its name among codes, its workspace, and its place in the plan."""

import re

import httpx2

from calls import URL, make_link, make_secret
from factories import Server

UNKNOWN = {
    "message": "There is no such secret in this workspace.",
    "code": "not_found",
    "hint": "list_secrets shows them all.",
}
TAKEN = "This short code is already taken."


def refused(answer: httpx2.Response, field: str, sentence: str) -> None:
    assert (answer.status_code, answer.json()["errors"]) == (422, {field: [sentence]})


def test_a_generated_slug_cannot_be_guessed(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        slugs = {make_secret(client) for _ in range(5)}
    # 26 signs of an alphabet of 31 are 128 bits.
    assert len(slugs) == 5
    assert all(re.fullmatch("[a-z2-9]{26}", slug) for slug in slugs)


def test_links_secrets_and_reservations_share_one_namespace(server: Server) -> None:
    with server.client(server.open_workspace()) as client, server.client(server.open_workspace()) as others:
        make_link(client, short_code="a-link")
        make_secret(client, slug="a-secret")
        others.post("/reserved-codes", json={"short_code": "theirs"})
        client.post("/reserved-codes", json={"short_code": "ours"})
        for slug in ("a-link", "a-secret", "theirs"):
            refused(
                client.post("/secrets", json={"content": "x", "slug": slug}),
                "slug",
                TAKEN,
            )
        link = client.post("/links", json={"original_url": URL, "title": "x", "short_code": "a-secret"})
        refused(link, "short_code", TAKEN)
        assert make_secret(client, slug="ours") == "ours"
        assert client.get("/reserved-codes").json() == {"data": []}
        client.post("/secrets/a-secret/reveal")
        refused(
            others.post("/secrets", json={"content": "x", "slug": "a-secret"}),
            "slug",
            TAKEN,
        )
        assert make_secret(client, "another", slug="a-secret") == "a-secret"
        assert client.post("/secrets/a-secret/reveal").json()["data"]["content"] == "another"


def test_a_link_may_stand_where_a_secret_was_and_outlives_it(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_secret(client, slug="reused")
        assert server.visit("reused").status_code == 200
        client.post("/secrets/reused/reveal")
        make_link(client, short_code="reused")
        assert server.visit("reused").headers["location"] == URL
        assert client.post("/secrets/reused/reveal").status_code == 410
        assert client.delete("/secrets/reused").status_code == 204
        assert server.visit("reused").headers["location"] == URL


def test_a_deleted_secret_is_gone_unread(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        slug = make_secret(client)
        assert client.delete(f"/secrets/{slug}").status_code == 204
        for answer in (
            client.get(f"/secrets/{slug}"),
            client.delete(f"/secrets/{slug}"),
            client.post(f"/secrets/{slug}/reveal"),
        ):
            assert (answer.status_code, answer.json()) == (404, UNKNOWN)
        assert server.visit(slug).status_code == 410


def test_others_can_neither_see_nor_reveal_nor_delete_it(server: Server) -> None:
    with server.client(server.open_workspace()) as owner, server.client(server.open_workspace()) as stranger:
        slug = make_secret(owner, "canary", passphrase="open sesame")
        for name in (slug, "never-was"):
            for answer in (
                stranger.get(f"/secrets/{name}"),
                stranger.delete(f"/secrets/{name}"),
                stranger.post(f"/secrets/{name}/reveal"),
                stranger.post(f"/secrets/{name}/reveal", json={"passphrase": "open sesame"}),
            ):
                assert (answer.status_code, answer.json()) == (404, UNKNOWN)
        assert owner.get(f"/secrets/{slug}").json()["data"]["remaining_uses"] == 1


def test_a_secret_counts_in_the_plan_while_it_can_be_revealed(server: Server) -> None:
    with server.client(server.open_workspace(plan="basic")) as client:
        slug = make_secret(client)
        assert client.get("/usage").json()["data"]["links"]["used"] == 1
        client.post(f"/secrets/{slug}/reveal")
        assert client.get("/usage").json()["data"]["links"]["used"] == 0
