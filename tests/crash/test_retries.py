"""kill -9 while a link is created: whoever sends the request again gets the one link that there is."""

import re
import signal
import sys
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from crash.harness import Instance
from factories import TLS
from processes import Process
from shortmcp.adapters.database import Database

DYING = Path(__file__).with_name("dying_server.py")
LINK = {"original_url": "https://example.com/x", "title": "X"}


@pytest.mark.parametrize(("moment", "links"), [("commit", 0), ("committed", 1), ("answer", 1)])
def test_a_request_that_a_kill_cut_off_is_answered_when_it_is_sent_again(
    database_url: str, tmp_path: Path, moment: str, links: int
) -> None:
    folder = tmp_path / "instance"
    with Instance(folder, database_url, command=[sys.executable, str(DYING), moment]).run() as process:
        token = read_token(process)
        with pytest.raises(httpx2.TransportError):
            create(process, token)
        assert process.popen.wait(10) == -signal.SIGKILL
    assert len(codes(database_url)) == links
    with Instance(folder, database_url).run() as process:
        answers = [create(process, token) for _ in range(2)]
    (code,) = codes(database_url)
    for answer in answers:
        assert (answer.status_code, answer.json()["data"]["short_code"]) == (201, code)
        assert answer.headers["location"] == f"{process.url}/api/v1/links/{code}"
        assert answer.content == answers[0].content
    replayed = [answer.headers.get("idempotency-replayed") for answer in answers]
    assert replayed == ["true" if links else None, "true"]


def read_token(process: Process) -> str:
    """The token that the first start printed."""
    found = re.search(r"\d+\|\S+", process.output.read_text())
    assert found, process.output.read_text()
    return found[0]


def create(process: Process, token: str) -> httpx2.Response:
    """The same request each time."""
    return httpx2.post(
        f"{process.url}/api/v1/links",
        json=LINK,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "order-1"},
        timeout=30,
        trust_env=False,
        verify=TLS,
    )


def codes(database_url: str) -> list[str]:
    """The codes of all links."""
    database = Database(database_url)
    with database.read() as connection:
        found = list(connection.execute(text("SELECT short_code FROM links")).scalars())
    database.close()
    return found
