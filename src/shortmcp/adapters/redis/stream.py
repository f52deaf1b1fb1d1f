"""Clicks as they are counted, in one Redis stream a workspace: for whoever wants to watch them come in."""

from collections.abc import Sequence

from shortmcp.adapters.redis.line import Connection, Word, open_connection

STREAM = "shortmcp:clicks:{}"
# About so many of a workspace's latest clicks are kept, and for so long after the last one.
KEPT = 10_000
KEPT_SECONDS = 86_400
ANSWER_SECONDS = 1.0


class ClickStream:
    """Adds clicks to their workspaces' streams, over a connection of its own: nobody else waits behind it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def add(self, clicks: Sequence[tuple[int, bytes]]) -> None:
        """Add clicks, as (workspace's id, JSON), in one round trip; RedisError or OSError where that fails."""
        # Kept for the next time only if all goes well.
        connection, self._connection = self._connection or open_connection(self._url, ANSWER_SECONDS), None
        commands = list[tuple[Word, ...]]()
        for workspace, click in clicks:
            commands.append(("XADD", STREAM.format(workspace), "MAXLEN", "~", KEPT, "*", "click", click))
        for workspace in {workspace for workspace, _ in clicks}:
            commands.append(("EXPIRE", STREAM.format(workspace), KEPT_SECONDS))
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                connection.read_response()
        except BaseException:
            connection.disconnect()
            raise
        self._connection = connection
