"""How callers of a REST route name an operation's fields: in the path, in the query string and in the body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shortmcp.core.complaints import unknown_field
from shortmcp.core.errors import Code, OperationError
from shortmcp.faces.bodies import parse_json, parse_query
from shortmcp.faces.conditions import HEADERS
from shortmcp.faces.wording import reword, speak
from shortmcp.operation import Operation, Route

BODY_METHODS = frozenset({"POST", "PATCH", "PUT"})


@dataclass(frozen=True)
class Wire:
    """How a route's callers name the operation's fields: in the path, in the query string and in the body."""

    route: Route
    path: frozenset[str]
    query: Mapping[str, str]
    body: Mapping[str, str]

    @classmethod
    def of(cls, operation: Operation, route: Route) -> "Wire":
        """The names of one route of an operation."""
        path = frozenset(part.strip("{}") for part in route.path.split("/") if part.startswith("{"))
        fields = (field.alias or name for name, field in operation.input.model_fields.items())
        elsewhere = {*path, *route.query.values(), *route.body.values(), *route.decided}
        plain = {name: name for name in fields if name not in elsewhere}
        if route.method in BODY_METHODS:
            return cls(route, path, route.query, {**plain, **route.body})
        return cls(route, path, {**plain, **route.query}, {})

    def merge(self, path: Mapping[str, Any], query: bytes, body: bytes) -> dict[str, Any]:
        """Path, query and body as one mapping of the operation's fields; INVALID for names that are none."""
        asked, sent = parse_query(query), parse_json(body)
        strays = dict[str, list[str]]()
        for given, known, place in ((asked, self.query, "query string"), (sent, self.body, "JSON body")):
            for name in given.keys() - known.keys():
                field, sentence = self._complain(name, known, place)
                strays[field] = [sentence]
        for name in self.route.needed - {**asked, **sent}.keys():
            strays[name] = [f"`{name}` is required."]
        if strays:
            raise OperationError(Code.INVALID, strays[min(strays)][0], errors=strays)
        fields = {self.query[name]: value for name, value in asked.items()}
        fields |= {self.body[name]: value for name, value in sent.items()}
        return fields | dict(path) | dict(self.route.decided)

    def reword(self, error: OperationError) -> OperationError:
        """`error` with the fields named as this route's callers name them."""
        return reword(error, self._own_names())

    def speak(self, text: str) -> str:
        """`text` with its fields named alike."""
        return speak(text, self._own_names())

    def _own_names(self) -> Mapping[str, str]:
        return {**HEADERS, **self.route.query, **self.route.body}

    def _complain(self, name: str, known: Mapping[str, str], place: str) -> tuple[str, str]:
        if name in self.path:
            return name, f"`{name}` is given by the path: leave it out of the {place}."
        if name in self.body:
            return name, f"`{name}` belongs into the JSON body: leave it out of the {place}."
        return unknown_field(name, known)
