"""Masked pages that begin to forbid frames: their owners are told once, and nobody is asked who must not be."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from calls import make_link
from faces.pages.sites import Site, make_page, start_site
from factories import Access, Server, free_port
from outlets import NAMES, NO_TLS, Network, answer, open_outlet, private
from shortmcp.adapters.database import SqlWork
from shortmcp.adapters.outbound import Outbound
from shortmcp.app.safety import PAGE_REDIRECTS, fetch_head
from shortmcp.core.jobs import Claimed, Postpone
from shortmcp.core.links import masks
from shortmcp.core.links.checks import digest_of
from shortmcp.core.links.masks import MaskWatcher
from shortmcp.settings import Settings

DENY: dict[str, str] = {"x-frame-options": "DENY"}
MASKED = {"mask": True, "notify_on_mask_break": True}


@pytest.fixture
def site() -> Iterator[Site]:
    """Whose pages are masked."""
    with start_site() as started:
        yield started


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Jobs are done by the test itself."""
    return settings.model_copy(update={"worker": False, "secret_key": SecretStr("")})


@dataclass
class Watch:
    """A server with one owner, and who watches its masks, at any time."""

    server: Server
    access: Access
    outbound: Outbound = field(default_factory=lambda: private(deadline=2.0))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def watcher(self) -> MaskWatcher:
        node = self.server.node
        work = SqlWork(node.database, node.site, node.meter, lambda _: None, clock=lambda: self.now)
        return MaskWatcher(lambda url: fetch_head(self.outbound, url), node.database.read, work, lambda: self.now)

    def link(self, url: str, **fields: Any) -> dict[str, Any]:
        with self.server.client(self.access) as client:
            return make_link(client, original_url=url, short_code="masked", **{**MASKED, **fields})

    def change(self, **fields: Any) -> None:
        with self.server.client(self.access) as client:
            assert client.patch("/links/masked", json=fields).status_code == 200

    def rows(self, query: str) -> list[Any]:
        with self.server.node.database.read() as connection:
            return list(connection.execute(text(query)).scalars())

    def check(self, url: str) -> None:
        link_id = self.rows("SELECT id FROM links")[0]
        self.watcher.check(Claimed(1, "check_mask", {"link": link_id, "digest": digest_of(url)}, 1, self.now, 1))

    def mails(self) -> int:
        return len(self.rows("SELECT id FROM jobs WHERE kind = 'mail'"))

    def asked(self) -> int:
        return len(self.rows("SELECT id FROM jobs WHERE kind = 'check_mask'"))


@pytest.fixture
def watch(server: Server) -> Watch:
    access = server.open_workspace()
    with server.begin() as ctx:
        change = text("UPDATE workspaces SET owner_email = 'ann@example.com' WHERE id = :id")
        ctx.session.connection().execute(change, {"id": access.workspace_id})
    return Watch(server, access)


def test_an_owner_is_told_once_that_a_page_forbids_frames_and_again_when_it_had_healed(
    watch: Watch, site: Site
) -> None:
    url = site.add("/page", make_page("<p>Here</p>"))
    watch.link(url)
    told: list[int] = []
    for headers in ({}, DENY, DENY, {}, DENY):
        site.add("/page", make_page("<p>Here</p>", 200, **headers))
        watch.check(url)
        told.append(watch.mails())
    assert told == [0, 1, 1, 1, 2]
    [mail, _] = watch.rows("SELECT payload FROM jobs WHERE kind = 'mail'")
    assert f"{watch.server.url}/masked" in mail
    assert "no longer lets itself be shown in a frame" in mail


def test_only_a_page_that_is_there_tells_anything(watch: Watch, site: Site) -> None:
    url = site.add("/page", make_page("<p>Here</p>", 200, **DENY))
    watch.link(url)
    watch.check(url)
    for status in (404, 403, 500, 304):
        site.add("/page", make_page("", status))
        watch.check(url)
    watch.outbound = Outbound(tls=NO_TLS)
    watch.check(url)
    watch.outbound = private(deadline=0.001)
    watch.check(url)
    assert watch.rows("SELECT broken_since IS NULL FROM mask_checks") in ([False], [0])
    site.add("/other", make_page("<p>Forbidden</p>", 403, **DENY))
    gone = f"http://127.0.0.1:{free_port()}/"
    for address in (f"{site.url}/other", gone):
        watch.outbound = private(deadline=2.0)
        watch.change(original_url=address)
        watch.check(address)
    assert watch.mails() == 1


def test_redirects_are_followed_and_the_page_at_their_end_decides(watch: Watch, site: Site) -> None:
    url = site.add("/0", make_page("", 302, location="/1"))
    watch.link(url)
    for number in range(1, PAGE_REDIRECTS):
        site.add(f"/{number}", make_page("", 307, location=f"/{number + 1}", **DENY))
    site.add(f"/{PAGE_REDIRECTS}", make_page("<p>Here</p>"))
    watch.check(url)
    assert watch.mails() == 0
    site.add(f"/{PAGE_REDIRECTS}", make_page("<p>Here</p>", 200, **DENY))
    watch.check(url)
    assert watch.mails() == 1
    watch.change(original_url=f"{site.url}/more")
    site.add("/more", make_page("", 302, location="/0"))
    watch.check(f"{site.url}/more")
    assert watch.mails() == 1


def test_a_look_at_a_destination_that_was_changed_meanwhile_counts_for_nothing(watch: Watch, site: Site) -> None:
    url = site.add("/page", make_page("<p>Here</p>", 200, **DENY))
    watch.link(url)
    watch.change(original_url="https://example.com/")
    watch.check(url)
    head = masks.Head(url, 200, DENY)
    node = watch.server.node
    with node.work().begin(masks.OPERATOR, masks.Scope.WRITE) as ctx:
        masks.store_head(ctx, watch.rows("SELECT id FROM links")[0], digest_of(url), head)
    assert watch.mails() == 0


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:7f00:1]", "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]", *NAMES.keys() - {"public.example"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_destination_in_a_private_network_is_never_connected_to(watch: Watch, host: str) -> None:
    with open_outlet(answer(b"", b"X-Frame-Options: DENY")) as victim:
        network = Network(door=victim.port)
        watch.outbound = Outbound(resolve=network.resolve, connect=network.connect, tls=NO_TLS)
        with watch.server.client(watch.access) as client:
            given = {"original_url": f"http://{host}/latest/meta-data/", "title": "x", "short_code": "masked", **MASKED}
            made = client.post("/links", json=given)
        assert made.status_code == 201
        watch.check(made.json()["data"]["original_url"])
        assert (network.connected, victim.requests, watch.mails()) == ([], [], 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_redirect_into_a_private_network_is_not_followed(watch: Watch) -> None:
    with open_outlet(answer(b"", b"Location: http://169.254.169.254/", status=b"302 Found")) as outlet:
        network = Network(door=outlet.port)
        watch.outbound = Outbound(resolve=network.resolve, connect=network.connect, tls=NO_TLS)
        watch.link("http://public.example/")
        watch.check("http://public.example/")
        assert (len(network.connected), len(outlet.requests), watch.mails()) == (1, 1, 0)


def test_a_link_is_watched_as_long_as_it_is_masked_and_its_owner_wants_to_know(watch: Watch) -> None:
    watch.link("https://example.com/", notify_on_mask_break=False)
    watched = "SELECT link_id FROM mask_checks"
    assert (watch.rows(watched), watch.asked()) == ([], 0)
    watch.change(notify_on_mask_break=True)
    assert (len(watch.rows(watched)), watch.asked()) == (1, 1)
    watch.change(title="Only another title")
    assert watch.asked() == 1
    watch.change(original_url="https://example.com/other")
    assert (len(watch.rows(watched)), watch.asked()) == (1, 2)
    watch.change(mask=False)
    assert watch.rows(watched) == []
    watch.change(mask=True)
    assert len(watch.rows(watched)) == 1
    with watch.server.client(watch.access) as client:
        client.delete("/links/masked")
    assert watch.rows(watched) == []


def test_a_turn_looks_at_links_whose_round_is_over_and_at_those_alone_that_work(watch: Watch) -> None:
    watch.link("https://example.com/")
    asked: list[int] = []
    for step, change in enumerate(({}, {}, {"is_active": False}, {"is_active": True})):
        if change:
            watch.change(**change)
        with watch.server.node.database.write() as connection:
            connection.execute(text("DELETE FROM jobs"))
        watch.now += timedelta(hours=25 if step != 1 else 1)
        with pytest.raises(Postpone) as again:
            watch.watcher.watch(Claimed(1, "watch_masks", {}, None, watch.now, 1))
        assert again.value.seconds == masks.TURN_SECONDS
        asked.append(watch.asked())
    assert asked == [1, 0, 0, 1]
