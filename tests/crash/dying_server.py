"""`shortmcp` that kills itself while it creates a link, at one of three moments.

At the `commit`, before it; once it is `committed`; before the first byte of the `answer`.
"""

import os
import signal
import sys
from typing import Any

from sqlalchemy import Connection, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortmcp.app import web
from shortmcp.app.node import Node
from shortmcp.cli import main

MOMENT = sys.argv.pop(1)
LINKS = "SELECT count(*) FROM links"
make_app = web.make_app


def make_dying_app(node: Node) -> ASGIApp:
    """The app, but nobody hears of the first link that is created."""
    if MOMENT == "commit":
        event.listen(node.database.writer, "commit", die_at_commit)
    elif MOMENT == "committed":
        event.listen(node.database.writer, "checkin", die_when_committed)
    app = make_app(node)
    return die_at_answer(app) if MOMENT == "answer" else app


def die_at_commit(connection: Connection) -> None:
    """End before the commit of a transaction that made a link."""
    if connection.exec_driver_sql(LINKS).scalar_one():
        die()


def die_when_committed(connection: Any, record: object) -> None:
    """End when a connection is given back, its transaction is over, and there is a link."""
    cursor = connection.cursor()
    found = cursor.execute(LINKS).fetchone()
    connection.rollback()
    cursor.close()
    if found[0]:
        die()


def die_at_answer(app: ASGIApp) -> ASGIApp:
    """`app`, but it ends when it would answer a POST."""

    async def dying(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if scope["type"] == "http" and scope["method"] == "POST":
                die()
            await send(message)

        await app(scope, receive, answer)

    return dying


def die() -> None:
    """End at once: nothing is closed, nothing is said."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    web.make_app = make_dying_app
    main()
