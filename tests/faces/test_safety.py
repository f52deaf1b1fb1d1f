"""Unsafe destinations: from the link that is made to the page that visitors see and the mail that its owner gets."""

from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import TextClause, text

from calls import call_tool, make_link, mcp_client
from faces.pages.sites import make_page, start_site
from factories import Access, Server, start_server
from journals import eventually
from mailboxes import Mailbox, open_mailbox
from services import KEY, Services, open_services
from shortmcp.settings import Settings

EVIL, GOOD = "https://evil.example/page", "https://good.example/"


@pytest.fixture
def services() -> Iterator[Services]:
    with open_services() as opened:
        yield opened


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, services: Services, mailbox: Mailbox) -> Settings:
    """All services, and a mail server."""
    given = {
        "safe_browsing_key": SecretStr(KEY),
        "safe_browsing_url": services.url,
        "urlhaus_key": SecretStr(KEY),
        "urlhaus_url": services.url,
        "smtp_url": f"smtp://127.0.0.1:{mailbox.port}",
    }
    return settings.model_copy(update=given)


@pytest.fixture
def access(server: Server) -> Access:
    """A workspace whose owner has an address."""
    access = server.open_workspace()
    with server.begin() as ctx:
        change = text("UPDATE workspaces SET owner_email = 'ann@example.com' WHERE id = :id")
        ctx.session.connection().execute(change, {"id": access.workspace_id})
    return access


def show(client: httpx2.Client, code: str) -> dict[str, Any]:
    return client.get(f"/links/{code}").json()["data"]


def jobs(server: Server) -> list[tuple[Any, ...]]:
    with server.node.database.read() as connection:
        query = text("SELECT kind, state, attempts, last_error FROM jobs WHERE kind = 'check_destination'")
        return [tuple(row) for row in connection.execute(query)]


def count(server: Server, query: TextClause) -> int:
    with server.node.database.read() as connection:
        return connection.execute(query).scalar_one()


def test_a_link_to_an_unsafe_page_is_blocked_within_seconds_and_its_owner_gets_one_mail(
    server: Server, access: Access, services: Services, mailbox: Mailbox
) -> None:
    services.threats[EVIL] = "SOCIAL_ENGINEERING"
    began = monotonic()
    with server.client(access) as client:
        link = make_link(client, original_url=EVIL, short_code="evil")
        assert (link["safety"], link["is_effectively_active"]) == ("unchecked", True)
        eventually(lambda: server.visit("evil").status_code == 403)
        assert monotonic() - began < 5
        page = server.visit("evil")
        assert ("blocked" in page.text, EVIL in page.text, "location" in page.headers) == (True, False, False)
        shown = show(client, "evil")
        assert (shown["safety"], shown["is_effectively_active"], shown["is_active"]) == ("unsafe", False, True)
        eventually(lambda: len(mailbox.mails) == 1)
        assert client.get("/links").json()["data"][0]["safety"] == "unsafe"
    with mcp_client(server, access) as mcp:
        told = call_tool(mcp, "get_short_link", {"short_code": "evil"})["structuredContent"]["data"]
        assert told["safety"] == "unsafe"
    [mail] = mailbox.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "A short link was blocked")
    body = mail.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    assert f"{server.url}/evil" in said
    assert "phishing, according to Google Safe Browsing." in said
    assert EVIL not in said


def test_another_destination_lifts_the_block_and_is_checked_in_its_turn(
    server: Server, access: Access, services: Services, mailbox: Mailbox
) -> None:
    services.threats[EVIL] = "MALWARE"
    with server.client(access) as client:
        make_link(client, original_url=EVIL, short_code="evil")
        eventually(lambda: server.visit("evil").status_code == 403)
        changed = client.patch("/links/evil", json={"original_url": GOOD}).json()["data"]
        assert (changed["safety"], changed["is_effectively_active"]) == ("unchecked", True)
        assert server.visit("evil").headers["location"] == GOOD
        eventually(lambda: show(client, "evil")["safety"] == "safe")
        client.patch("/links/evil", json={"title": "Only another title"})
        assert show(client, "evil")["safety"] == "safe"
        client.patch("/links/evil", json={"redirect_url": EVIL})
        eventually(lambda: show(client, "evil")["safety"] == "unsafe")
        eventually(lambda: len(mailbox.mails) == 2)
        assert server.visit("evil").status_code == 403


def test_a_verdict_of_a_destination_that_was_changed_meanwhile_is_not_applied(
    server: Server, access: Access, services: Services, mailbox: Mailbox
) -> None:
    services.threats[EVIL] = "MALWARE"
    with server.client(access) as client:
        make_link(client, original_url=GOOD, short_code="first")
        eventually(lambda: show(client, "first")["safety"] == "safe")
        services.hangs = True
        client.patch("/links/first", json={"original_url": EVIL})
        eventually(lambda: jobs(server) == [("check_destination", "running", 1, None)])
        client.patch("/links/first", json={"original_url": f"{GOOD}other"})
        services.go_on.set()
        eventually(lambda: show(client, "first")["safety"] == "safe")
        eventually(lambda: jobs(server) == [])
        assert EVIL in services.asked
        assert server.visit("first").headers["location"] == f"{GOOD}other"
    assert mailbox.mails == []


def test_a_service_that_hangs_delays_no_creation(server: Server, access: Access, services: Services) -> None:
    services.hangs = True
    with server.client(access) as client:
        make_link(client, short_code="first")
        eventually(lambda: bool(jobs(server)) and jobs(server)[0][1] == "running")
        began = monotonic()
        links = [make_link(client, original_url=f"https://example.com/{number}") for number in range(20)]
        assert monotonic() - began < 5
        assert {link["safety"] for link in links} == {"unchecked"}
        services.go_on.set()
        eventually(lambda: {link["safety"] for link in client.get("/links").json()["data"]} == {"safe"})


def test_a_service_that_is_away_leaves_links_unchecked_and_is_asked_again(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("shortmcp.app.safety", "shortmcp.core.links.safety"):
        monkeypatch.setattr(f"{module}.CHECK_DELAYS", (0.1,) * 1000)
    services.says = (503, "text/html", b"away")
    with ExitStack() as stack:
        server = start_server(settings, stack)
        with server.client(server.open_workspace()) as client:
            make_link(client, original_url=GOOD, short_code="first")
            eventually(lambda: bool(jobs(server)) and jobs(server)[0][2] > 2)
            assert show(client, "first")["safety"] == "unchecked"
            assert server.visit("first").headers["location"] == GOOD
            assert KEY not in repr(jobs(server))
            services.says = None
            eventually(lambda: show(client, "first")["safety"] == "safe")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_feed_is_fetched_by_the_server_and_what_it_lists_is_blocked(settings: Settings, services: Services) -> None:
    services.feeds["/hosts.txt"] = "0.0.0.0 evil.example\n"
    with ExitStack() as stack:
        server = start_server(settings.model_copy(update={"safety_feeds": (f"{services.url}/hosts.txt",)}), stack)
        with server.client(server.open_workspace()) as client:
            eventually(lambda: any(settings.data_dir.glob("feeds/*.hosts")))
            make_link(client, original_url=EVIL, short_code="evil")
            eventually(lambda: server.visit("evil").status_code == 403)


def test_without_a_service_and_a_list_links_stay_unchecked_and_no_job_is_left(
    settings: Settings, services: Services
) -> None:
    nothing = {"safe_browsing_key": SecretStr(""), "urlhaus_key": SecretStr("")}
    with ExitStack() as stack:
        server = start_server(settings.model_copy(update=nothing), stack)
        with server.client(server.open_workspace()) as client:
            make_link(client, original_url=GOOD, short_code="first")
            eventually(lambda: jobs(server) == [])
            assert show(client, "first")["safety"] == "unchecked"
            (settings.data_dir / "blocklist.txt").write_text("*.evil.example\n")
            make_link(client, original_url="https://www.evil.example/", short_code="second")
            eventually(lambda: server.visit("second").status_code == 403)
    assert services.asked == []


def test_the_server_looks_at_masked_pages_and_not_at_those_in_its_own_network(server: Server, access: Access) -> None:
    with start_site() as site, server.client(access) as client:
        page = site.add("/page", make_page("<p>Here</p>"))
        make_link(client, original_url=page, short_code="masked", mask=True, notify_on_mask_break=True)
        with server.node.database.read() as connection:
            waiting = text("SELECT count(*) FROM jobs WHERE kind = 'check_mask'")
            assert connection.execute(text("SELECT count(*) FROM mask_checks")).scalar_one() == 1
        eventually(lambda: count(server, waiting) == 0)
        assert site.requests.empty()
