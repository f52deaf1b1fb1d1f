"""Who sent a request and what they asked to see."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from starlette.requests import Request

from shortmcp.catalog import DEFAULT_TOOLSETS, TOOLSETS
from shortmcp.core.context import Caller, Scope
from shortmcp.core.errors import Code, OperationError
from shortmcp.operation import Operation


@dataclass(frozen=True, slots=True)
class Visit:
    """Who sent a request, which toolsets it asked for, and whether it wants no writes."""

    caller: Caller
    toolsets: frozenset[str]
    readonly: bool

    def may_write(self) -> bool:
        """Whether writes are shown."""
        return self.caller.scope is Scope.WRITE and not self.readonly

    def require(self, operation: Operation) -> None:
        """Refuse a write where none was wanted; what the token may do is the operation's own question."""
        if self.readonly and operation.scope is Scope.WRITE:
            raise OperationError(
                Code.FORBIDDEN,
                f"`{operation.name}` changes data and this connection asked for read-only: "
                "connect without `readonly` to change things.",
            )


def read_visit(request: Request, caller: Caller) -> Visit:
    """The visit of `caller`; INVALID for a toolset that is none."""
    headers = request.headers
    toolsets = ",".join(headers.getlist("x-mcp-toolsets")).encode("latin-1")
    readonly = [value.encode("latin-1") for value in headers.getlist("x-mcp-readonly")]
    return Visit(caller, *read_wish(request.scope["query_string"], toolsets, b",".join(readonly) if readonly else None))


@lru_cache(maxsize=1024)
def read_wish(query: bytes, toolsets: bytes, readonly: bytes | None) -> tuple[frozenset[str], bool]:
    """Which toolsets a request asks for, by its query string and its headers, and whether it wants no writes."""
    asked = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    named = {
        name.strip().lower()
        for name in ",".join([*asked.get("toolsets", []), toolsets.decode("latin-1")]).split(",")
        if name.strip()
    }
    if not named <= {*TOOLSETS, "all"}:
        raise OperationError(
            Code.INVALID, f"`toolsets` may name {', '.join(TOOLSETS)} or all, separated by commas.", field="toolsets"
        )
    chosen = frozenset(TOOLSETS) if "all" in named else frozenset(named)
    words = [*asked.get("readonly", []), *([] if readonly is None else readonly.decode("latin-1").split(","))]
    # Whoever says it in an unexpected word wants it all the same.
    is_readonly = any(word.strip().lower() not in {"0", "false", "no", "off"} for word in words)
    return chosen or DEFAULT_TOOLSETS, is_readonly
