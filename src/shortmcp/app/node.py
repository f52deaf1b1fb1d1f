"""What every process of an instance stands on."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from shortmcp.adapters.changes import Listeners
from shortmcp.adapters.database import Database, SqlWork
from shortmcp.adapters.keys import derive_key, read_instance_key
from shortmcp.app.shared import SharedRedis, share
from shortmcp.core.context import Site
from shortmcp.core.destinations import read_origin
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.plans import load_plans
from shortmcp.core.usage import Meter
from shortmcp.settings import DEFAULT_PORTS, Settings


@dataclass(frozen=True)
class Node:
    """What every process of an instance stands on."""

    settings: Settings
    database: Database
    site: Site
    meter: Meter
    # Who keeps something in memory in this process.
    news: Listeners = field(default_factory=Listeners)
    redis: SharedRedis | None = None

    def work(self) -> SqlWork:
        """Transactions for operations; what they change is told to this process at once, and to the others by Redis."""
        return SqlWork(self.database, self.site, self.meter, self._tell, make_doors=self.doors)

    def _tell(self, codes: set[str]) -> None:
        self.news.forget(codes)
        if self.redis is not None:
            self.redis.publisher.publish(codes)

    def doors(self) -> Doorkeeper:
        """Who checks passwords and counts the guesses, for the whole instance."""
        return Doorkeeper(self.database.write, self.key("doors"), lambda: time.time_ns() // 1_000_000)

    def key(self, purpose: str) -> bytes:
        """The instance's key for one purpose alone; makes the instance's key on the first run."""
        return self.site.key(purpose)


class InstanceKey:
    """The instance's key by purpose; made on the first run, and read once.

    A file that is lost while the process runs must not become another key.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, purpose: str) -> bytes:
        """The key for one purpose alone, 32 bytes."""
        return derive_key(self._key, purpose)

    @cached_property
    def _key(self) -> bytes:
        return read_instance_key(self._settings.secret_key.get_secret_value(), self._settings.key_file)


def make_node(settings: Settings) -> Node:
    """Open the database and read the plans; changes nothing."""
    hosts = (*settings.allowed_hosts, *settings.dialect_hosts)
    aliases = (f"{scheme}://{host.removesuffix(':*')}" for host in hosts for scheme in DEFAULT_PORTS)
    origins = frozenset(read_origin(url) for url in (settings.public_url, *aliases, *settings.domains))
    domains = {urlsplit(url).netloc: url for url in settings.domains}
    site = Site(
        settings.public_url,
        origins,
        load_plans(settings.plans),
        domains,
        InstanceKey(settings),
        settings.allow_private_webhooks,
    )
    return Node(settings, Database(settings.database), site, Meter(), redis=share(settings))
