"""The language that a visitor prefers."""

import re
from functools import cache, lru_cache

from babel import Locale
from babel.core import get_global

from shortmcp.clicks.enrich.text import UNVERIFIED

_PREFERENCE = re.compile(
    r"\s*([a-z]{2,3})(?:[-_][a-z0-9]+)*\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]*)?|\.[0-9]+)\s*)?", re.ASCII | re.IGNORECASE
)
_NOT_LANGUAGES = frozenset({"mul", "und", "zxx"})


@lru_cache(maxsize=2048)
def read_language(header: str) -> str:
    """The ISO 639 code of the best weighted known language of an Accept-Language header, the first among equals."""
    best, best_weight = UNVERIFIED, 0.0
    # A browser sends about five; past fifty it is no browser, and the rest becomes one unreadable part.
    for part in header.split(",", maxsplit=50):
        code, weight = _read_preference(part)
        if code and weight > best_weight:
            best, best_weight = code, weight
    return best


def _read_preference(part: str) -> tuple[str | None, float]:
    match = _PREFERENCE.fullmatch(part)
    if not match:
        return None, 0.0
    weight = float(match[2] or 1)
    return _current_code(match[1].lower()), weight if weight <= 1 else 0.0


def _current_code(code: str) -> str | None:
    """The code itself if it is known, else today's code for it: old Android still says `iw` for `he`."""
    if code in _known_languages():
        return code
    alias = str(get_global("language_aliases").get(code) or "").partition("_")[0]
    return alias if alias in _known_languages() else None


@cache
def _known_languages() -> frozenset[str]:
    """Babel names regional forms (`de_AT`) too; they never match a primary subtag."""
    return frozenset(str(code) for code in Locale("en").languages) - _NOT_LANGUAGES
