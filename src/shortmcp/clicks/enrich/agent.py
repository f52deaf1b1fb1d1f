"""What a user agent says about the browser, its system and its device."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from ua_parser.core import Device, Domain
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from shortmcp.clicks.enrich.bots import is_bot
from shortmcp.clicks.enrich.text import UNVERIFIED, clean, slug


@dataclass(frozen=True, slots=True)
class Agent:
    """Each fact a lower-case word, or `unverified`."""

    browser: str
    os: str
    device: str
    bot: bool


# Variants of one browser begin with its name ("Chrome Mobile iOS"); all others go by their own name.
_BROWSERS = {
    "Chrome": "chrome",
    "HeadlessChrome": "chrome",
    "Firefox": "firefox",
    "Safari": "safari",
    "Mobile Safari": "safari",
    "Edge": "edge",
    "Opera": "opera",
    "IE": "internet-explorer",
    "Android": "android-browser",
    "DuckDuckGo": "duckduckgo",
}
_BROWSER = re.compile(rf"({'|'.join(_BROWSERS)})(?: .*)?", re.DOTALL)

_LINUXES = (
    "Arch Linux|CentOS|Debian|Fedora|Gentoo|Kubuntu|Linux|Linux Mint|Lubuntu|Mandriva|Mint|PCLinuxOS|Red Hat|"
    "Slackware|SUSE|Ubuntu|VectorLinux|Xubuntu"
)
_SYSTEMS = {
    "iOS": "ios",
    "iPadOS": "ios",
    "ATV OS X": "tvos",
    "Mac OS": "macos",
    "Mac OS X": "macos",
    "Chrome OS": "chrome-os",
    "Web0S": "webos",
    **dict.fromkeys(_LINUXES.split("|"), "linux"),
}
_DESKTOP_SYSTEMS = frozenset({"windows", "macos", "linux", "chrome-os", "freebsd", "openbsd", "netbsd", "solaris"})

# The first that matches decides: televisions and tablets also say "Android" and "Mobile". Consoles and headsets are
# none of the kinds. An iPad that asks for desktop pages says "Macintosh" and cannot be told from one.
_DEVICES = (
    ("tv", "smart-?tv|google ?tv|android ?tv|apple ?tv|hbbtv|web0s|netcast|bravia|roku|crkey|tv safari|; aft[a-z]"),
    (UNVERIFIED, "playstation|xbox|nintendo|oculusbrowser"),
    ("tablet", "ipad|tablet(?! pc)|kindle|playbook"),
    ("mobile", "iphone|ipod|mobi|phone|opera mini|blackberry|kaios|symbian|midp"),
    # Browsers leave "Mobile" out on Android tablets only; an app's own user agent keeps no such promise.
    ("tablet", "^mozilla/.*android"),
)
_DEVICE_PATTERNS = tuple((device, re.compile(pattern)) for device, pattern in _DEVICES)


@lru_cache(maxsize=2048)
def read_agent(user_agent: str) -> Agent:
    """Read a user agent; the few that most visitors share are remembered."""
    text = clean(user_agent)
    found = _parser()(text, Domain.ALL)
    system = _read_system(found.os.family) if found.os else UNVERIFIED
    return Agent(
        browser=_read_browser(found.user_agent.family) if found.user_agent else UNVERIFIED,
        os=system,
        device=_read_device(text, system),
        bot=is_bot(text) or _is_spider(found.device),
    )


@cache
def _parser() -> Resolver:
    """Compiling the patterns takes half a second: once per process. Safe to share between threads."""
    return Resolver(load_lazy_builtins())


def _read_system(family: str) -> str:
    return _SYSTEMS.get(family) or slug(family) or UNVERIFIED


def _read_browser(family: str) -> str:
    match = _BROWSER.fullmatch(family)
    return _BROWSERS[match[1]] if match else slug(family) or UNVERIFIED


def _read_device(user_agent: str, system: str) -> str:
    words = user_agent.lower()
    for device, pattern in _DEVICE_PATTERNS:
        if pattern.search(words):
            return device
    return "desktop" if system in _DESKTOP_SYSTEMS else UNVERIFIED


def _is_spider(device: Device | None) -> bool:
    return device is not None and device.brand == "Spider"
