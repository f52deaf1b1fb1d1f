"""Options that several commands share, and the way from them to an opened instance."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shortmcp.app.node import Node
    from shortmcp.core.context import Context
    from shortmcp.settings import Settings

_KNOWN = {
    "host": click.option("--host", help="Address to listen on.  [default: 127.0.0.1]"),
    "port": click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.  [default: 8000]"),
    "workers": click.option("--workers", type=click.IntRange(1, 64), help="Web processes.  [default: 1]"),
    "base_url": click.option("--base-url", metavar="URL", help="Where the instance is reached from outside."),
    "data_dir": click.option(
        "--data-dir", metavar="DIR", help="Database and click journal.  [default: ./shortmcp-data]"
    ),
    "database_url": click.option(
        "--database-url", metavar="URL", help="postgresql://…  [default: SQLite in the data dir]"
    ),
    "plans": click.option("--plans", metavar="FILE", help="TOML file that redefines plans or adds some."),
    "geoip": click.option("--geoip", metavar="FILE", help="MMDB file that replaces the country data of the package."),
    "http": click.option(
        "--http",
        type=click.Choice(["auto", "plain"]),
        help="Answer redirects below ASGI where possible.  [default: auto]",
    ),
    "log_format": click.option("--log-format", type=click.Choice(["text", "json"]), help="How log lines look."),
    "log_level": click.option(
        "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="What is logged.  [default: info]"
    ),
}
STORAGE = ("data_dir", "database_url", "plans")
LOGS = ("log_format", "log_level")


def shared_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add options by name; each is None where it was not given."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = _KNOWN[name](command)
        return command

    return decorate


def read_settings(given: dict[str, Any]) -> "Settings":
    """The settings, with the options that were given; they are exported, so that web processes read the same."""
    from pydantic import ValidationError  # noqa: PLC0415

    from shortmcp.settings import PREFIX, Settings, export  # noqa: PLC0415

    export(given)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        reason = first["msg"].removeprefix("Value error, ")
        raise click.ClickException(f"--{name.replace('_', '-')} ({PREFIX}{name.upper()}): {reason}") from None


def open_node(given: dict[str, Any]) -> "Node":
    """The instance that the options name."""
    settings = read_settings(given)
    from shortmcp.app.node import make_node  # noqa: PLC0415
    from shortmcp.core.errors import OperationError  # noqa: PLC0415

    try:
        return make_node(settings)
    except (ValueError, OSError, OperationError, ImportError) as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def administration(given: dict[str, Any]) -> "Generator[Context]":
    """One write transaction on the instance, for its operator; works beside a running server."""
    from shortmcp.adapters.schema import prepare  # noqa: PLC0415
    from shortmcp.core.context import OPERATOR, Scope  # noqa: PLC0415
    from shortmcp.core.errors import OperationError  # noqa: PLC0415

    node = open_node(given)
    try:
        prepare(node.database)
        with node.work().begin(OPERATOR, Scope.WRITE) as ctx:
            yield ctx
    except (OperationError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    finally:
        node.database.close()
