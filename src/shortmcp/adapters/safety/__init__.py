"""Who knows unsafe URLs: services that are asked over HTTP, feeds that are fetched, and a list of the operator's."""

from shortmcp.adapters.safety.feeds import Feed
from shortmcp.adapters.safety.hosts import Blocklist
from shortmcp.adapters.safety.safe_browsing import SafeBrowsing4, SafeBrowsing5
from shortmcp.adapters.safety.urlhaus import UrlHaus

__all__ = ["Blocklist", "Feed", "SafeBrowsing4", "SafeBrowsing5", "UrlHaus"]
