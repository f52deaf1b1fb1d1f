"""Whether a page lets another origin show it in a frame, as browsers decide by its headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ada_url import URL

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Whoever sends several different values means no.
_CONFLICTING: Final = frozenset({"deny", "allowall", "sameorigin"})
_HOST_SOURCE: Final = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)://)?(\*|(?:\*\.)?[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\*|[0-9]+))?(/.*)?", re.ASCII
)
_SCHEME_SOURCE: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII)
_ASCII_SPACE: Final = " \t\n\f\r"


@dataclass(frozen=True)
class Origin:
    """Where a page comes from, as browsers compare it."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """The origin of an http(s) URL."""
    parsed = URL(url)
    scheme = parsed.protocol.removesuffix(":")
    return Origin(scheme, parsed.hostname, int(parsed.port or _DEFAULT_PORTS[scheme]))


def forbids_framing(headers: Mapping[str, str], page: Origin, frame: Origin) -> bool:
    """Whether a page from `page` may not be shown in a frame of a page from `frame`.

    `headers` are the page's, names in lower case, those that came several times joined with commas. Where a policy
    names `frame-ancestors`, X-Frame-Options counts for nothing; of several such policies all must agree.
    """
    policies = headers.get("content-security-policy", "").split(",")
    ancestors = [sources for policy in policies if (sources := _frame_ancestors(policy)) is not None]
    if ancestors:
        return not all(_allows(sources, page, frame) for sources in ancestors)
    options = headers.get("x-frame-options")
    return options is not None and _x_frame_options_forbid(options, page, frame)


def _x_frame_options_forbid(options: str, page: Origin, frame: Origin) -> bool:
    values = {value.strip(" \t").lower() for value in options.split(",")}
    if len(values) > 1:
        return bool(values & _CONFLICTING)
    # Anything else, such as ALLOW-FROM, is not known to browsers and counts for nothing.
    return values == {"deny"} or (values == {"sameorigin"} and page != frame)


def _frame_ancestors(policy: str) -> list[str] | None:
    """The sources of a policy's first `frame-ancestors`; None where it has none."""
    for directive in policy.split(";"):
        words = directive.strip(_ASCII_SPACE).lower().split()
        if words and words[0] == "frame-ancestors":
            return words[1:]
    return None


def _allows(sources: list[str], page: Origin, frame: Origin) -> bool:
    # 'none' among others counts for nothing, and alone it matches nothing.
    return any(_matches(source, page, frame) for source in sources)


def _matches(source: str, page: Origin, frame: Origin) -> bool:
    if source == "'self'":
        return frame.host == page.host and _fits(page.scheme, page.port, frame)
    if source == "*":
        return frame.scheme in _DEFAULT_PORTS
    if found := _SCHEME_SOURCE.fullmatch(source):
        return _fits_scheme(found[1], frame.scheme)
    found = _HOST_SOURCE.fullmatch(source)
    if not found or not _fits_host(found[2], frame.host):
        return False
    scheme, port = found[1] or page.scheme, found[3]
    if port == "*":
        return _fits_scheme(scheme, frame.scheme)
    return _fits(scheme, int(port) if port else _DEFAULT_PORTS[frame.scheme], frame)


def _fits(scheme: str, port: int, frame: Origin) -> bool:
    return _fits_scheme(scheme, frame.scheme) and _fits_port(port, frame)


def _fits_scheme(scheme: str, actual: str) -> bool:
    # A source for http means https too, never the other way round.
    return scheme == actual or (scheme, actual) == ("http", "https")


def _fits_port(port: int, frame: Origin) -> bool:
    # What was written for http's port still means the same host once it has moved to https.
    return port == frame.port or (port == _DEFAULT_PORTS["http"] and frame.port == _DEFAULT_PORTS["https"])


def _fits_host(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
