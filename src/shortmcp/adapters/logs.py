"""Log lines on standard error: structured, and without what must not be seen."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# `ID|secret`, wherever one may have slipped in.
_TOKEN = re.compile(r"\b(\d+)\|[A-Za-z0-9_-]{16,}")


def configure_logs(level: str, form: str) -> None:
    """Send this process's logs, those of libraries too, to standard error as `text` or `json`."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(form)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    _quieten_libraries()


def _renderers(form: str) -> list[Any]:
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Plain tracebacks: the pretty ones print local variables, and with them what must not be seen.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _quieten_libraries() -> None:
    # What a person who runs the server should act on.
    for name in ("uvicorn.access", "mcp", "sse_starlette", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # They log foreign header values.
    logging.getLogger("mcp.server.transport_security").setLevel(logging.ERROR)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # uvicorn adds its line a second time, in colour.
    event.pop("color_message", None)
    return {key: _TOKEN.sub(r"\1|…", value) if isinstance(value, str) else value for key, value in event.items()}
