"""English names of the values that clicks are counted by."""

from collections.abc import Mapping
from functools import cache

from babel import Locale

from shortmcp.core.analytics.tables import UNVERIFIED

# Names that are not written as words with capitals.
_SPELLINGS = {
    "ios": "iOS",
    "ipados": "iPadOS",
    "macos": "macOS",
    "tvos": "tvOS",
    "watchos": "watchOS",
    "webos": "webOS",
    "kaios": "KaiOS",
    "os": "OS",
    "tv": "TV",
    "uc": "UC",
    "qq": "QQ",
    "miui": "MIUI",
    "freebsd": "FreeBSD",
    "openbsd": "OpenBSD",
    "netbsd": "NetBSD",
    "blackberry": "BlackBerry",
    "duckduckgo": "DuckDuckGo",
    "harmonyos": "HarmonyOS",
}


def name_value(dimension: str, code: str) -> str:
    """What people call a value of a dimension: AT is Austria, ios is iOS. An unknown code is its own name."""
    if code == UNVERIFIED:
        return "Unverified"
    if dimension in ("country", "language"):
        return _names(dimension).get(code, code)
    return " ".join(_SPELLINGS.get(word, word.capitalize()) for word in code.split("-"))


@cache
def _names(dimension: str) -> Mapping[str, str]:
    # Locale's own mapping is slow to ask, and reading it takes longer than a whole answer may.
    locale = Locale("en")
    return dict(locale.territories if dimension == "country" else locale.languages)
