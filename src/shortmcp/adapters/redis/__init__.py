"""Redis: what several nodes share beside the database. Every failure of it costs milliseconds and is nobody's error."""

from shortmcp.adapters.redis.line import Line
from shortmcp.adapters.redis.minutes import RedisMinutes, check_redis
from shortmcp.adapters.redis.news import Publisher, watch_redis
from shortmcp.adapters.redis.stream import ClickStream

__all__ = ["ClickStream", "Line", "Publisher", "RedisMinutes", "check_redis", "watch_redis"]
