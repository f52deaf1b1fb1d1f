"""Servers that may reach endpoints on loopback, and one such endpoint."""

from collections.abc import Iterator

import httpx2
import pytest

from endpoints import Endpoint, open_endpoint
from factories import Access, Server
from shortmcp.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Endpoints on loopback may be reached."""
    return settings.model_copy(update={"allow_private_webhooks": True})


@pytest.fixture
def access(server: Server) -> Access:
    return server.open_workspace(name="Own")


@pytest.fixture
def client(server: Server, access: Access) -> Iterator[httpx2.Client]:
    with server.client(access) as opened:
        yield opened


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with open_endpoint() as opened:
        yield opened
