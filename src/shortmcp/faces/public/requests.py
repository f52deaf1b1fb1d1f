"""One visit of a short URL, and what answering it needs beside the map of links."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from shortmcp.core.analytics.published import PublishedStatistics
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.pastes.visits import VisitedPaste
from shortmcp.core.qrcodes import QrPublic
from shortmcp.core.secrets.models import SecretFront, SecretRevealed
from shortmcp.faces.addresses import Network, read_address

_PREFETCH = frozenset({b"sec-purpose", b"purpose", b"x-moz", b"x-purpose"})


@dataclass(frozen=True)
class Services:
    """What visits need beside the map of links.

    `use_click` grants one of a link's limited clicks; `find_near`, if visitors may be told, finds on a domain the codes
    that an unknown one may be a slip of. `domains` are the names of other short domains by the Host that
    browsers send; `short_url` makes a short URL from a code and a domain's name. `show_secret`, `open_secret`,
    `show_statistics`, `show_qr_code` and `show_paste` perform these operations for a visitor, and `count_view` counts
    one who reads a paste; they block.
    """

    use_click: Callable[[int], bool]
    find_near: Callable[[str, str], Sequence[str]] | None
    doorkeeper: Doorkeeper
    short_url: Callable[[str, str], str]
    domains: Mapping[bytes, str]
    trusted: tuple[Network, ...]
    show_secret: Callable[[Mapping[str, Any]], SecretFront]
    open_secret: Callable[[Mapping[str, Any]], SecretRevealed]
    show_statistics: Callable[[Mapping[str, Any]], PublishedStatistics]
    show_qr_code: Callable[[Mapping[str, Any]], QrPublic]
    show_paste: Callable[[Mapping[str, Any]], VisitedPaste]
    count_view: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One visit of a code; `domain` is empty for the instance's own."""

    scope: Scope
    receive: Receive
    send: Send
    code: str
    domain: str

    @property
    def method(self) -> str:
        """GET, HEAD, POST or something worse."""
        return self.scope["method"]

    @property
    def name(self) -> str:
        """The code's name over all domains."""
        return f"{self.domain}/{self.code}" if self.domain else self.code

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers; of several with one name the last."""
        return dict(self.scope["headers"])

    @property
    def target(self) -> str:
        """Path and query as the visitor asked for them."""
        query = self.scope["query_string"].decode("latin-1")
        return f"{self.scope['path']}?{query}" if query else self.scope["path"]

    def address(self, trusted: tuple[Network, ...]) -> str:
        """The visitor's address, behind proxies that are `trusted`."""
        return read_address(self.scope["client"], self.scope["headers"], trusted)


def is_prefetch(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser fetches ahead of any click."""
    if _PREFETCH.isdisjoint(headers):
        return False
    said = b" ".join(headers.get(name, b"") for name in _PREFETCH).lower()
    return b"prefetch" in said or b"preview" in said
