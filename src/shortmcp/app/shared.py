"""What processes share over Redis, put together: request limits, news of changes, clicks as they come in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from shortmcp.adapters.changes import Listener
from shortmcp.adapters.database import Database
from shortmcp.adapters.redis import ClickStream, Line, Publisher, RedisMinutes, watch_redis
from shortmcp.adapters.schema import is_current
from shortmcp.clicks.live import LiveClicks
from shortmcp.core.analytics.live import show_clicks
from shortmcp.core.errors import OperationError
from shortmcp.core.limits import Minute
from shortmcp.core.minutes import SharedMinutes, StoredMinutes
from shortmcp.faces.telemetry import Number
from shortmcp.settings import Settings


@dataclass(frozen=True)
class SharedRedis:
    """What a process asks Redis, on one `line`; `url` and `database` (its number) are for connections of their own."""

    url: str
    database: int
    line: Line
    minutes: RedisMinutes
    publisher: Publisher


def share(settings: Settings) -> SharedRedis | None:
    """What the settings say about Redis; connects to nothing."""
    url = settings.redis_url.get_secret_value()
    if not url:
        return None
    line = Line(url)
    publisher = Publisher(line, settings.redis_database)
    return SharedRedis(url, settings.redis_database, line, RedisMinutes(line), publisher)


def make_counter(database: Database, redis: SharedRedis | None) -> Callable[[int, int], Minute]:
    """What counts a token's requests: given its id and the moment in unix milliseconds."""
    stored = StoredMinutes(database.write)
    return stored.add if redis is None else SharedMinutes(redis.minutes, stored).add


def watch_shared(
    redis: SharedRedis, database: Database, listener: Listener, stop: Event, failed: Callable[[Exception], object]
) -> None:
    """Tell `listener` what others publish, until `stop` is set."""
    watch_redis(redis.url, redis.database, listener, stop, lambda: _answers(database), failed)


def make_live_clicks(redis: SharedRedis | None, database: Database) -> LiveClicks | None:
    """The way of clicks from ingest into their workspaces' streams."""
    if redis is None:
        return None
    stream = ClickStream(redis.url)

    def send(clicks: Sequence[Mapping[str, Any]]) -> None:
        with database.read() as connection:
            shown = show_clicks(connection, clicks)
        stream.add(shown)

    return LiveClicks(send)


def redis_numbers(redis: SharedRedis | None, live: LiveClicks | None) -> dict[str, Number]:
    """What Prometheus is told about Redis."""
    numbers = dict[str, Number]()
    if redis is not None:
        line = redis.line
        numbers["shortmcp_redis_connected"] = Number("Whether Redis is asked.", lambda: float(line.is_open), False)
        numbers["shortmcp_redis_failures"] = Number("Questions to Redis that had no answer.", lambda: line.failures)
    if live is not None:
        numbers["shortmcp_live_clicks_dropped"] = Number("Clicks that no stream got.", lambda: live.dropped)
    return numbers


def _answers(database: Database) -> bool:
    try:
        return is_current(database)
    except OperationError:
        return False
