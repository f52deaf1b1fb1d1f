"""SIGTERM: what was begun is ended, what was answered is counted, and the processes are gone within five seconds."""

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crash.harness import Instance, Load, judge, make_link, wait_until

PATIENCE = 5


@pytest.mark.parametrize("workers", [1, 2])
def test_every_visit_is_answered_and_counted_when_the_server_is_asked_to_stop(tmp_path: Path, workers: int) -> None:
    instance = Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db", workers=workers)
    with instance.run() as process:
        load = Load(make_link(process))
        with load.on(process.url):
            load.wait_for(300)
            asked = time.monotonic()
            process.popen.terminate()
            process.popen.wait(30)
        assert time.monotonic() - asked < PATIENCE
    result = judge(load, instance.clicks())
    assert (result.lost, result.doubled, result.unanswered_recorded) == (0, 0, 0), result


def test_a_request_that_has_begun_is_answered_after_the_listener_is_gone(tmp_path: Path) -> None:
    with Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db").run() as process:
        parts = urlsplit(process.url)
        place = (parts.hostname or "", parts.port or 0)
        with socket.create_connection(place, timeout=10) as connection:
            body = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
            head = "POST /api/v1/links HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json"
            token = process.output.read_text().split("\n\n  ")[1].split()[0]
            connection.sendall(
                f"{head}\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
            process.popen.terminate()
            wait_until(lambda: is_refused(place))
            connection.sendall(body)
            assert connection.recv(4096).startswith(b"HTTP/1.1 422 ")
        process.popen.wait(PATIENCE)


def is_refused(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
