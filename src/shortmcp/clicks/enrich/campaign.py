"""The campaign that a short URL's query names."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from shortmcp.clicks.enrich.text import LONGEST, clean


class Campaign(NamedTuple):
    """The five UTM values, empty where absent."""

    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str


NO_CAMPAIGN = Campaign("", "", "", "", "")


def read_campaign(query: str) -> Campaign:
    """The UTM values of a raw query, decoded and cleaned; the first that says something stands."""
    if not query:
        return NO_CAMPAIGN
    # Advertisers' click ids never come twice: remembered with them, no campaign would be found again.
    return _read("&".join(part for part in query.split("&") if part[:1] in _FIRST))


# What a name that decodes to `utm_...` or `UTM_...` can begin with.
_FIRST = frozenset("uU%")


@lru_cache(maxsize=4096)
def _read(query: str) -> Campaign:
    said: dict[str, str] = {}
    for name, value in parse_qsl(query):
        if text := clean(value).strip():
            said.setdefault(name.lower(), text[:LONGEST].rstrip())
    return Campaign(
        utm_source=said.get("utm_source", ""),
        utm_medium=said.get("utm_medium", ""),
        utm_campaign=said.get("utm_campaign", ""),
        utm_term=said.get("utm_term", ""),
        utm_content=said.get("utm_content", ""),
    )
