"""What a visit tells: from one line of the journal to the facts that are kept of a click."""

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from babel import Locale

from shortmcp.clicks.enrich.agent import read_agent
from shortmcp.clicks.enrich.bots import is_preview
from shortmcp.clicks.enrich.campaign import read_campaign
from shortmcp.clicks.enrich.language import read_language
from shortmcp.clicks.enrich.referrer import read_referrer
from shortmcp.clicks.enrich.text import UNVERIFIED
from shortmcp.clicks.visits import Visit

__all__ = ["UNVERIFIED", "Click", "Enricher", "is_preview"]

_ALPHA_2 = re.compile("[A-Z]{2}")

# Babel names these too, but they are no countries: unions, "outlying Oceania", test locales, the unknown.
_NOT_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


class Click(NamedTuple):
    """What is kept. Unknown facts are `unverified`, absent campaign values are empty.

    `referrer` and the campaign values are the visitor's words: at most 100 visible characters, never to be trusted.
    """

    link_id: int
    at: int
    bot: bool
    referrer: str
    country: str
    language: str
    device: str
    os: str
    browser: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str


class Enricher:
    """Reads visits; `country_of` finds the country of an address and must not raise."""

    def __init__(self, country_of: Callable[[str], str | None]) -> None:
        self._country_of = country_of
        # The tables and patterns take half a second to build: now, and not while the first visit waits.
        read_agent("")
        read_language("en")
        _known_countries()

    def enrich(self, visit: Visit) -> Click:
        """Read every fact of a visit; raises for no text whatever.

        What many visitors share is remembered, user agents above all. Their addresses are not.
        """
        agent = read_agent(visit.user_agent)
        return Click(
            visit.link_id,
            visit.at,
            agent.bot or visit.prefetch,
            read_referrer(visit.referrer),
            self._read_country(visit.address),
            read_language(visit.accept_language),
            agent.device,
            agent.os,
            agent.browser,
            *read_campaign(visit.query),
        )

    def _read_country(self, address: str) -> str:
        country = self._country_of(address)
        return country if country in _known_countries() else UNVERIFIED


@cache
def _known_countries() -> frozenset[str]:
    """ISO 3166 alpha-2 codes that Babel can name; the data sets hold withdrawn ones (AN) as well."""
    names = (str(code) for code in Locale("en").territories)
    return frozenset(name for name in names if _ALPHA_2.fullmatch(name)) - _NOT_COUNTRIES
