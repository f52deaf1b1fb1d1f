"""Requests a minute, counted in Redis by one script: exact over nodes, workers and faces."""

from shortmcp.adapters.redis.line import (
    CONNECT_SECONDS,
    Away,
    Connection,
    Line,
    Word,
    ask_on,
    open_connection,
    redis_errors,
)
from shortmcp.core.limits import UNSEEN, WINDOW_MILLISECONDS, Minute

# `core.limits.add_request` word for word, but by Redis' clock: so the nodes' clocks need not agree. The key goes away
# with its minute. ARGV: the window, what was seen of it elsewhere, what is left of that; all times in milliseconds.
SCRIPT = """
local window, seen = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'started_at', 'requests')
local started, requests = tonumber(kept[1]), tonumber(kept[2])
if not started or not requests or started <= now - window or started > now + window then
    started, requests = now + tonumber(ARGV[3]) - window, 0
end
requests = math.max(requests, seen) + 1
redis.call('HSET', KEYS[1], 'started_at', string.format('%.0f', started), 'requests', requests)
redis.call('PEXPIRE', KEYS[1], started + window - now)
return {requests, started + window - now}
"""


class RedisMinutes:
    """Counts requests in Redis."""

    def __init__(self, line: Line) -> None:
        self._line = line
        line.add_probe(_count_once)

    def add(self, token_id: int, seen: Minute) -> Minute | None:
        """Count one request, from what was `seen` on where more is known there; None if Redis does not answer."""
        try:
            requests, left = self._line.ask(*_command(str(token_id), seen))
        except Away:
            return None
        return Minute(requests, left)


def check_redis(url: str) -> str | None:
    """What keeps Redis from counting requests, in a word without secrets; None if nothing does."""
    try:
        connection = open_connection(url, CONNECT_SECONDS)
        try:
            _count_once(connection)
        finally:
            connection.disconnect()
    except redis_errors() as error:
        return type(error).__name__
    return None


def _command(name: str, seen: Minute) -> tuple[Word, ...]:
    # The script itself and not its digest: Redis finds it by that anyway, and one that was flushed is there again.
    return "EVAL", SCRIPT, 1, f"shortmcp:minute:{name}", WINDOW_MILLISECONDS, seen.requests, seen.left


def _count_once(connection: Connection) -> None:
    # A Redis that is read-only, full or still loading answers a PING, too.
    ask_on(connection, *_command("probe", UNSEEN))
