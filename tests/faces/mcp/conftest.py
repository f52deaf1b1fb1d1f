"""Both protocol eras, and the one event loop that the MCP client is tried on."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> str:
    """How the client opens the dialogue: `legacy` with initialize (2025), `auto` with server/discover (2026-07-28)."""
    return request.param
