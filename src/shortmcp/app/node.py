"""What every process of an instance stands on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.adapters.keys import derive_key, read_instance_key
from shortmcp.core.context import Site
from shortmcp.core.destinations import read_origin
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.plans import load_plans
from shortmcp.core.usage import Meter
from shortmcp.settings import Settings


@dataclass(frozen=True)
class Node:
    """What every process of an instance stands on."""

    settings: Settings
    database: Database
    site: Site
    meter: Meter

    def work(self, tell: Callable[[set[str]], None]) -> SqlWork:
        """Transactions for operations; `tell` hears which codes they changed."""
        return SqlWork(self.database, self.site, self.meter, tell, make_doors=self.doors)

    def doors(self) -> Doorkeeper:
        """Who checks passwords and counts the guesses, for the whole instance."""
        return Doorkeeper(self.database.write, self.key("doors"), lambda: time.time_ns() // 1_000_000)

    def key(self, purpose: str) -> bytes:
        """The instance's key for one purpose alone; makes the instance's key on the first run."""
        return self.site.key(purpose)


def make_node(settings: Settings) -> Node:
    """Open the database and read the plans; changes nothing."""
    aliases = (f"http://{host.removesuffix(':*')}" for host in settings.allowed_hosts)
    origins = frozenset(read_origin(url) for url in (settings.public_url, *aliases, *settings.domains))
    domains = {urlsplit(url).netloc: url for url in settings.domains}
    site = Site(settings.public_url, origins, load_plans(settings.plans), domains, _make_keys(settings))
    return Node(settings, Database(settings.database), site, Meter())


def _make_keys(settings: Settings) -> Callable[[str], bytes]:
    @cache
    def read() -> bytes:
        # Once: a file that is lost while the process runs must not become another key.
        return read_instance_key(settings.secret_key.get_secret_value(), settings.key_file)

    return lambda purpose: derive_key(read(), purpose)
