"""What links can be given beside a destination, as the API takes it, shows it and refuses it."""

from typing import Any

import pytest

from calls import URL, call_tool, make_link, mcp_client, unclicked
from dumps import dump
from factories import Server

POWERS: dict[str, Any] = {
    "description": "For the launch.\nSee the plan.",
    "max_clicks": 5,
    "og_title": "We launch",
    "og_description": "Come and see.",
    "og_image": "https://example.com/launch.png",
    "mask": True,
    "notify_on_mask_break": True,
    "analytics_public": True,
    "forward_query": True,
}
REFUSED = [
    ("password", "", "`password` must be at least 1 characters long."),
    ("password", "x" * 257, "`password` may be at most 256 characters long."),
    ("password", 7, "`password` must be text."),
    ("max_clicks", 0, "`max_clicks` must be at least 1."),
    ("max_clicks", 1.5, "`max_clicks` must be a whole number."),
    ("max_clicks", 10**12, "`max_clicks` must be at most 1000000000."),
    ("og_title", "two\nlines", "`og_title` holds control characters or line breaks: send one line of plain text."),
    ("og_image", "javascript:alert(1)", "`og_image` must begin with https://, http://, mailto: or tel:."),
    ("og_image", "mailto:a@example.com", "`og_image` must begin with https:// or http://."),
    ("mask", "perhaps", "`mask` must be true or false."),
    ("domain", "evil.example", "`domain` must be one of this instance's short domains: "),
]


def test_every_power_is_stored_shown_and_cleared(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        link = make_link(client, short_code="launch", password="open sesame", **POWERS)
        assert {name: link[name] for name in POWERS} == POWERS
        assert (link["has_password"], "password" in link, "sesame" in str(link)) == (True, False, False)

        empty = dict.fromkeys(("description", "max_clicks", "og_title", "og_description", "og_image", "password"))
        off = dict.fromkeys(("mask", "notify_on_mask_break", "analytics_public", "forward_query"), False)
        cleared = client.patch("/links/launch", json={**empty, **off}).json()["data"]
        assert {name: cleared[name] for name in POWERS} == {**dict.fromkeys(POWERS), **off}
        assert cleared["has_password"] is False


def test_a_password_is_kept_as_an_argon2id_hash_alone(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, password="a-canary-password")
    with server.begin() as ctx:
        hashed = ctx.session.connection().exec_driver_sql("SELECT password_hash FROM links").scalar_one()
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "a-canary-password" not in str(dump(server))


@pytest.mark.parametrize(("field", "value", "sentence"), REFUSED)
def test_a_power_that_cannot_be_is_refused_and_nothing_is_stored(
    server: Server, field: str, value: Any, sentence: str
) -> None:
    access = server.open_workspace()
    with server.client(access) as client, mcp_client(server, access) as tools:
        make_link(client, short_code="launch")
        before = dump(server)
        wrong = {"original_url": URL, "title": "A link", field: value}
        answers = [client.post("/links", json=wrong)]
        if field != "domain":
            answers.append(client.patch("/links/launch", json={field: value}))
        for answer in answers:
            assert (answer.status_code, answer.json()["errors"][field][0][: len(sentence)]) == (422, sentence)
        said = call_tool(tools, "create_short_link", wrong)
        assert (said["isError"], sentence in said["content"][0]["text"]) == (True, True)
        assert dump(server) == before


@pytest.mark.parametrize("field", ["mask", "notify_on_mask_break", "analytics_public", "forward_query"])
def test_what_is_on_or_off_cannot_be_empty(server: Server, field: str) -> None:
    with server.client(server.open_workspace()) as client:
        make_link(client, short_code="launch")
        answer = client.patch("/links/launch", json={field: None})
        assert answer.json()["errors"] == {field: [f"`{field}` cannot be empty: leave it out to keep it."]}


def test_a_mask_is_for_plans_that_have_it(server: Server) -> None:
    with server.client(server.open_workspace(plan="basic")) as client:
        make_link(client, short_code="launch")
        masked = {"original_url": URL, "title": "A link", "mask": True}
        for answer in (client.post("/links", json=masked), client.patch("/links/launch", json={"mask": True})):
            assert (answer.status_code, answer.json()["plan_limit_reached"]) == (422, True)
        # Taking one away is for everybody.
        assert client.patch("/links/launch", json={"mask": False}).status_code == 200


def test_a_mask_needs_a_page(server: Server) -> None:
    with server.client(server.open_workspace()) as client:
        phone = {"original_url": "tel:+4312345", "title": "Call", "mask": True}
        answer = client.post("/links", json=phone)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["mask"])
        make_link(client, short_code="launch", mask=True)
        answer = client.patch("/links/launch", json={"original_url": "tel:+4312345"})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["mask"])


def test_both_faces_show_the_same_powers(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client, mcp_client(server, access) as tools:
        fields = {"original_url": URL, "title": "A link", "short_code": "launch", **POWERS}
        made = call_tool(tools, "create_short_link", fields)["structuredContent"]["data"]
        shown = client.get("/links/launch").json()["data"]
        assert unclicked(made) == {name: value for name, value in shown.items() if value is not None}
