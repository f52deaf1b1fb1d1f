"""A disk that is really full, under the journal, under the database, under both: redirects go on, nothing is lost."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crash.harness import Instance, Load, ask, make_link, metric, wait_until
from disks import fill, small_disk
from factories import CHROME
from processes import Process
from shortmcp.clicks.journal import RING_LINES

VISITS = 300
TOGETHER = 100
LINK = {"original_url": "https://example.com/x", "title": "X"}
FULL = (
    "The database's disk is full; nothing was changed: try again when its operator has made room. "
    "Redirects and reading go on."
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "size=16m") as disk:
        yield disk


@pytest.mark.parametrize("full", ["journal", "database", "both"])
def test_visitors_do_not_notice_and_writers_are_told_while_the_disk_is_full(
    disk: Path, tmp_path: Path, full: str
) -> None:
    journal = disk / "instance" if full != "database" else tmp_path / "instance"
    database = disk if full != "journal" else tmp_path
    instance = Instance(journal, f"sqlite:///{database}/shortmcp.db")
    with instance.run() as process:
        load = Load(make_link(process))
        with load.on(process.url):
            load.wait_for(VISITS)
            filler = fill(disk)
            load.wait_for(VISITS)
            refused = ask(process, "POST", "/links", LINK)
            read = ask(process, "GET", "/links")
            load.wait_for(VISITS)
        assert (load.cut_off, len(load.refused), read.status_code) == (0, 0, 200)
        if full == "journal":
            assert refused.status_code == 201
        else:
            assert (refused.status_code, refused.json()["message"]) == (503, FULL)
            assert int(refused.headers["retry-after"]) > 0
        filler.unlink()
        wait_until(lambda: len(load.acked - instance.clicks().keys()) == 0)
        assert instance.clicks().total() == len(load.acked)
        assert metric(process, "shortmcp_clicks_dropped_total") == 0
        assert ask(process, "POST", "/links", LINK).status_code == 201
        # What was refused was not stored.
        links = ask(process, "GET", "/links").json()["data"]
        assert len(links) == (3 if full == "journal" else 2)


def test_what_neither_the_disk_nor_the_memory_can_hold_is_counted_exactly_as_dropped(
    disk: Path, tmp_path: Path
) -> None:
    instance = Instance(disk / "instance", f"sqlite:///{tmp_path}/shortmcp.db")
    with instance.run() as process:
        code = make_link(process)
        filler = fill(disk)
        answered = RING_LINES + 2000
        assert visit_many(process, code, answered) == answered
        dropped = metric(process, "shortmcp_clicks_dropped_total")
        assert (metric(process, "shortmcp_clicks_waiting"), dropped > 0) == (RING_LINES, True)
        filler.unlink()
        wait_until(lambda: instance.clicks().total() == answered - dropped)
        # They are counted once, and no more of them come.
        wait_until(lambda: metric(process, "shortmcp_journal_backlog_bytes") == 0)
        assert instance.clicks().total() == answered - dropped
        assert metric(process, "shortmcp_clicks_dropped_total") == dropped


def visit_many(process: Process, code: str, times: int) -> int:
    """How many of so many visits, sent a hundred at a time, lead to the destination."""
    parts = urlsplit(process.url)
    request = f"GET /{code} HTTP/1.1\r\nHost: a\r\nUser-Agent: {CHROME}\r\n\r\n".encode()
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        return sum(visit_together(connection, request) for _ in range(times // TOGETHER))


def visit_together(connection: socket.socket, request: bytes) -> int:
    connection.sendall(request * TOGETHER)
    answers = b""
    while answers.count(b"\r\n\r\n") < TOGETHER:
        chunk = connection.recv(1 << 16)
        assert chunk, answers
        answers += chunk
    return answers.count(b"HTTP/1.1 302 Found\r\n")
