"""Bodies that do not come."""

from typing import Any

import anyio
import pytest
from starlette.requests import Request

from shortmcp.core.errors import Code, OperationError
from shortmcp.faces.bodies import read_body


async def test_a_body_that_drips_is_not_waited_for_for_good() -> None:
    async def drip() -> dict[str, Any]:
        await anyio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
    with pytest.raises(OperationError) as refusal:
        await read_body(Request(scope, drip), seconds=0.1)
    assert (refusal.value.code, refusal.value.sentence) == (Code.MALFORMED, "The body took longer than 0 seconds.")
