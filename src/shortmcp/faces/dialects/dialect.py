"""What a dialect is: calls that are translated to operations, and their outcomes back, in another service's words.

A dialect knows no rules. What it does not find in a request it leaves to the operation, fields that its service does
not know it does not look at.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from starlette.responses import Response

from shortmcp.core.errors import OperationError, invalid
from shortmcp.core.lists import MAX_SIZE

DEFAULT_TITLE = "Link"
MAX_TITLE = 255
MAX_DIGITS = 18


class Perform(Protocol):
    """Runs the operation of a name for the caller."""

    def __call__(self, operation: str, given: Mapping[str, Any]) -> Any:
        """What comes of it; OperationError for a refusal."""
        ...


@dataclass(frozen=True)
class Asked:
    """One request. `root` is the URL below which its client finds the dialect's paths."""

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    root: str
    base_url: str
    perform: Perform

    @property
    def own_host(self) -> str:
        """The short domain that codes without one are on."""
        return urlsplit(self.base_url).netloc

    def body_as(self, names: Mapping[str, str]) -> dict[str, Any]:
        """What the body holds of the fields in `names`, the service's names to the operation's."""
        return {names[name]: value for name, value in self.body.items() if name in names}

    def given(self, names: Mapping[str, str]) -> dict[str, Any]:
        """`body_as` for what is made anew: what clients leave out, some of them send as null."""
        return {name: value for name, value in self.body_as(names).items() if value is not None}

    def query_as(self, names: Mapping[str, str]) -> dict[str, Any]:
        """What the query string holds of the fields in `names`."""
        return {names[name]: value for name, value in self.query.items() if name in names}

    def number(self, name: str, default: int) -> int:
        """A number of the query string, which pages are counted with; INVALID for anything but digits."""
        value = self.query.get(name, str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
            raise invalid(name, f"`{name}` must be a whole number.")
        return int(value)

    def all_of(self, operation: str, given: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Every item of a list, page by page."""
        cursor: Mapping[str, str] | None = {}
        while cursor is not None:
            page = self.perform(operation, {**(given or {}), "per_page": MAX_SIZE, **cursor})
            yield from page.data
            cursor = None if page.next_cursor is None else {"cursor": page.next_cursor}

    def create_link(self, given: Mapping[str, Any]) -> Any:
        """A new link, with what these services' clients do not know of: a project and a title."""
        made = {"project": self._home_project(), "title": title_of(given.get("original_url"))}
        return self.perform("create_short_link", {**made, **given})

    def _home_project(self) -> int:
        # The workspace's oldest; it is made where there is none.
        found = self.perform("list_projects", {"per_page": 1}).data
        return (found[0] if found else self.perform("create_project", {"name": "default"})).id


@dataclass(frozen=True)
class Call:
    """One documented call: where it is made, the operation that it comes down to, and the translation both ways.

    `takes_strangers` where it can be made without a token, if the settings name a workspace for that; those who make
    something so (`makes` says what) are counted.
    """

    method: str
    path: str
    operation: str
    answer: Callable[[Asked], Response]
    takes_strangers: bool = False
    makes: str | None = None


@dataclass(frozen=True)
class Dialect:
    """A service's calls below `prefix`; on a host of its own below `root`, as its documents have it.

    `names` maps its names of fields to the core's, for the sentences of refusals. `refuse` is its table of errors.
    `header` is where its clients put their key.
    """

    name: str
    prefix: str
    root: str
    calls: tuple[Call, ...]
    refuse: Callable[[OperationError], Response]
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    header: str = "authorization"


def answer_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as JSON."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def title_of(url: Any) -> str:
    """A label for a link that was made without one: the host that it leads to."""
    try:
        host = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        host = None
    return host[:MAX_TITLE] if host and host.isprintable() and host.strip() else DEFAULT_TITLE


def zulu(moment: datetime | None, timespec: str) -> str | None:
    """`moment`, in UTC, with a Z at its end."""
    return None if moment is None else moment.isoformat(timespec=timespec).replace("+00:00", "Z")
