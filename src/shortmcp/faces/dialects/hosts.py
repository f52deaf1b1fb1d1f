"""Hosts of dialects: there, a service's paths are the original ones, and everything else is as everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from shortmcp.faces.dialects.dialect import Dialect

# Where a request's scope tells the face below which URL the client found the dialect.
ROOT_KEY = "shortmcp.dialect_root"


@dataclass(frozen=True)
class MappedHosts:
    """Hands requests for the `hosts` of dialects on to `inner` as if they were made below the dialect's prefix.

    `scheme` is the one that the instance is reached with.
    """

    inner: ASGIApp
    hosts: Mapping[bytes, Dialect]
    scheme: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (dialect := self.hosts.get(_read_host(scope))):
            root, path = dialect.root, scope["path"]
            if path.startswith(f"{root}/"):
                # The host is one that the settings name, so that it may stand in an answer.
                here = f"{self.scheme}://{_read_host(scope).decode('ascii')}{root}"
                scope = {**scope, "path": dialect.prefix + path.removeprefix(root), ROOT_KEY: here}
        await self.inner(scope, receive, send)


def _read_host(scope: Scope) -> bytes:
    return next((value.lower() for name, value in scope["headers"] if name == b"host"), b"")
