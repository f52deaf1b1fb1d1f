"""One minute's limit for a token, whichever worker process and whichever face its requests come to."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from crash.harness import Instance
from factories import TLS
from faults.commands import run
from processes import Process

PARAMS: dict[str, object] = {"name": "list_projects", "arguments": {}}
CALL: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": PARAMS}
Call = Callable[[Process, str], httpx2.Response]


def ask_rest(process: Process, token: str) -> httpx2.Response:
    return httpx2.get(f"{process.url}/api/v1/projects", headers=headers(token), trust_env=False, verify=TLS, timeout=60)


def ask_mcp(process: Process, token: str) -> httpx2.Response:
    return httpx2.post(f"{process.url}/mcp", json=CALL, headers=headers(token), trust_env=False, verify=TLS, timeout=60)


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}


def is_limited(answer: httpx2.Response) -> bool:
    """Whether it is a refusal, in the words of its face, that says when to come back."""
    if answer.status_code == 429:
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert answer.headers["x-ratelimit-remaining"] == "0"
        return True
    assert answer.status_code == 200, answer.text
    found = re.search(r"More than 60 requests in a minute: try again in (\d+) seconds", answer.text)
    assert found is None or 0 < int(found[1]) <= 60
    return found is not None


def test_over_two_workers_and_two_faces_the_sixty_first_request_is_refused_and_each_after_it(
    database_url: str, tmp_path: Path
) -> None:
    instance = Instance(tmp_path / "instance", database_url, workers=2)
    with instance.run() as process, ThreadPoolExecutor(16) as threads:
        run(instance, "workspace", "create", "Other", "--plan", "basic")
        token = run(instance, "token", "create", "--workspace", "other", "--name", "x", "--scope", "read")["token"]
        calls = [(ask_rest, ask_mcp)[number % 2] for number in range(20)]

        def is_refused(call: Call) -> bool:
            return is_limited(call(process, token))

        assert not any(map(is_refused, calls))
        # The last forty, and forty more, all at once.
        assert Counter(threads.map(is_refused, calls * 4)) == {False: 40, True: 40}
        assert all(map(is_refused, calls[:2]))
