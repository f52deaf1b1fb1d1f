"""Where a visitor came from."""

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from shortmcp.clicks.enrich.text import LONGEST, UNVERIFIED, clean

_DEFAULT_PORTS = {"http": 80, "https": 443, "android-app": None}
_LARGEST_PORT = 65_535

# User information is matched to be left out; a backslash in it would move the host that a browser sees.
_AUTHORITY = re.compile(
    r"(?:[^@\\]*@)?(?P<host>[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])\.?(?::(?P<port>[0-9]{0,5}))?"
)
_CUT_ESCAPE = re.compile(r"%[0-9A-Fa-f]?$")


@lru_cache(maxsize=2048)
def read_referrer(header: str) -> str:
    """Scheme, host and path of a Referer header: no query, no fragment, no user information."""
    try:
        parts = urlsplit(clean(header).strip())
    except ValueError:
        return UNVERIFIED
    origin = _read_origin(parts.scheme, parts.netloc)
    # A host that is cut off would be somebody else's.
    if origin is None or len(origin) >= LONGEST:
        return UNVERIFIED
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~") or "/"
    return _CUT_ESCAPE.sub("", (origin + path)[:LONGEST])


def _read_origin(scheme: str, authority: str) -> str | None:
    match = _AUTHORITY.fullmatch(authority.lower())
    if scheme not in _DEFAULT_PORTS or not match:
        return None
    port = int(match["port"] or 0)
    if port > _LARGEST_PORT:
        return None
    shown = f":{port}" if port not in (0, _DEFAULT_PORTS[scheme]) else ""
    return f"{scheme}://{match['host']}{shown}"
