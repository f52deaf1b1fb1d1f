"""The checks of destinations and of masked pages, put together."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from shortmcp.adapters.outbound import Outbound
from shortmcp.adapters.safety import Blocklist, Feed, SafeBrowsing4, SafeBrowsing5, UrlHaus
from shortmcp.app.node import Node
from shortmcp.core.jobs import enqueue
from shortmcp.core.links.checks import CHECK_DESTINATION, CHECK_MASK
from shortmcp.core.links.masks import MASK_DELAYS, WATCH, Head, MaskWatcher
from shortmcp.core.links.safety import CHECK_DELAYS, RECHECK, DestinationChecker, SafetyProvider
from shortmcp.settings import Settings
from shortmcp.worker import Chore, Duty

# A feed is large, and fetching it keeps nobody waiting.
FEED_SECONDS = 60.0
FEED_BYTES = 32 << 20
# Of a page only the headers matter.
PAGE_SECONDS = 10.0
PAGE_BYTES = 4 << 10
PAGE_REDIRECTS = 5
# How often it is made sure that the rounds go on, and looked whether a feed has grown old.
ROUNDS_SECONDS = 60.0
FEEDS_SECONDS = 600.0


def make_providers(settings: Settings) -> list[SafetyProvider]:
    """Those who are asked about destinations: what answers from memory first."""
    outbound = Outbound(allow_private=True, proxy=settings.outbound_proxy)
    google, urlhaus = settings.safe_browsing_key.get_secret_value(), settings.urlhaus_key.get_secret_value()
    providers: list[SafetyProvider] = [Blocklist(settings.blocklist_file), *make_feeds(settings)]
    if google:
        look_up = SafeBrowsing4 if settings.safe_browsing_version == "v4" else SafeBrowsing5
        providers.append(look_up(outbound, settings.safe_browsing_url, google))
    if urlhaus:
        providers.append(UrlHaus(outbound, settings.urlhaus_url, urlhaus))
    return providers


def make_feeds(settings: Settings) -> list[Feed]:
    """The feeds that the settings name; their copies lie in the data dir."""
    outbound = Outbound(allow_private=True, proxy=settings.outbound_proxy, deadline=FEED_SECONDS, limit=FEED_BYTES)
    return [Feed(url, settings.data_dir.absolute() / "feeds", outbound) for url in settings.safety_feeds]


def make_check_duties(node: Node) -> Mapping[str, Duty]:
    """How jobs that check links are done."""
    work = node.work()
    checker = DestinationChecker(make_providers(node.settings), node.database.read, work, lambda: datetime.now(UTC))
    outbound = Outbound(proxy=node.settings.outbound_proxy, deadline=PAGE_SECONDS, limit=PAGE_BYTES)
    watcher = MaskWatcher(partial(fetch_head, outbound), node.database.read, work, lambda: datetime.now(UTC))
    return {
        CHECK_DESTINATION: Duty(checker.check, CHECK_DELAYS),
        RECHECK: Duty(checker.recheck),
        CHECK_MASK: Duty(watcher.check, MASK_DELAYS),
        WATCH: Duty(watcher.watch),
    }


def make_check_chores(node: Node) -> list[Chore]:
    """What has to come again and again for the checks to go on."""
    chores = [Chore("check rounds", ROUNDS_SECONDS, lambda: _ensure_rounds(node))]
    if node.settings.safety_feeds:
        chores.append(Chore("safety feeds", FEEDS_SECONDS, lambda: _renew(node.settings)))
    return chores


def fetch_head(outbound: Outbound, url: str) -> Head:
    """What a page answers with, as a browser would get it."""
    answer = outbound.send("GET", url, headers={"accept": "text/html,*/*;q=0.8"}, redirects=PAGE_REDIRECTS)
    return Head(answer.url, answer.status, answer.headers)


def _ensure_rounds(node: Node) -> None:
    # One job for the whole instance, however many machines it has: it postpones itself and never ends.
    with node.database.write() as connection:
        for kind in (RECHECK, WATCH):
            enqueue(connection, kind, {}, datetime.now(UTC), dedupe_key=kind)


def _renew(settings: Settings) -> None:
    for feed in make_feeds(settings):
        feed.renew()
