"""`shortmcp serve` and `shortmcp worker`: the processes that stay."""

import json
import signal
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from shortmcp.cli.options import LOGS, STORAGE, open_node, shared_options

if TYPE_CHECKING:
    from shortmcp.app.node import Node

SHUTDOWN_SECONDS = 2


@click.command()
@shared_options("host", "port", "workers", "base_url", *STORAGE, "geoip", "http", *LOGS)
@click.option("--no-worker", is_flag=True, help="Leave the background work to `shortmcp worker`.")
def serve(*, no_worker: bool, **given: Any) -> None:
    """Run the server. On an empty database it sets everything up and prints the first token."""
    import uvicorn  # noqa: PLC0415

    from shortmcp.faces.connections import GuardedProtocol  # noqa: PLC0415
    from shortmcp.faces.redirects import RedirectProtocol  # noqa: PLC0415

    node = open_node({**given, "worker": False if no_worker else None})
    settings = node.settings
    _prepare(node)
    node.database.close()
    uvicorn.run(
        "shortmcp.cli.serve:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        # X-Forwarded-For is ours to judge; the access log would hold query strings.
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_config=None,
        http=GuardedProtocol if settings.http == "plain" else RedirectProtocol,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


@click.command()
@click.option("--once", is_flag=True, help="Count what waits in the click journal, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print one JSON object.")
@shared_options(*STORAGE, "geoip", *LOGS)
def worker(*, once: bool, as_json: bool, **given: Any) -> None:
    """Run the background work apart from the web processes: counting clicks, jobs, tidying up."""
    node = open_node(given)
    _prepare(node, first_run=False)
    if once:
        _count_once(node, as_json=as_json)
    else:
        _work_until_stopped(node)
    node.database.close()


def _count_once(node: "Node", *, as_json: bool) -> None:
    from shortmcp.app.background import count_journal  # noqa: PLC0415

    ingester = count_journal(node)
    done = {"counted": ingester.ingested, "orphaned": ingester.orphaned}
    click.echo(json.dumps(done) if as_json else "Counted: {counted}. Of unknown links: {orphaned}.".format(**done))


def _work_until_stopped(node: "Node") -> None:
    from shortmcp.app.background import make_runners, make_worker  # noqa: PLC0415
    from shortmcp.app.shared import make_live_clicks  # noqa: PLC0415

    if node.redis is not None:
        node.redis.line.start()
    chores, _ = make_worker(node, make_live_clicks(node.redis, node.database))
    runners = make_runners(node)
    stop = Event()
    if not node.database.is_sqlite:
        Thread(target=node.database.pulse.run, args=(stop,), name="pulse", daemon=True).start()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    chores.start()
    for runner in runners:
        runner.start()
    click.echo("The worker is running; stop it with Ctrl-C.", err=True)
    stop.wait()
    for runner in runners:
        runner.stop()
    chores.stop()
    if node.redis is not None:
        node.redis.line.close()


def create_app() -> Any:
    """What each web process serves: logs first, so that everything after is seen."""
    from shortmcp.adapters.logs import configure_logs  # noqa: PLC0415
    from shortmcp.app.web import create_app as create  # noqa: PLC0415
    from shortmcp.settings import Settings  # noqa: PLC0415

    settings = Settings()
    configure_logs(settings.log_level, settings.log_format)
    return create()


def _prepare(node: "Node", *, first_run: bool = True) -> None:
    from shortmcp.adapters.logs import configure_logs  # noqa: PLC0415
    from shortmcp.adapters.schema import migrate  # noqa: PLC0415
    from shortmcp.core.errors import OperationError  # noqa: PLC0415
    from shortmcp.core.welcome import set_up  # noqa: PLC0415

    configure_logs(node.settings.log_level, node.settings.log_format)
    try:
        _refuse_lost_data(node)
        migrate(node.database)
        if first_run:
            _greet(node.settings.public_url, set_up(node.work()))
    except (OperationError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _refuse_lost_data(node: "Node") -> None:
    from shortmcp.adapters.schema import current_revision  # noqa: PLC0415

    # SQLite's file is in the data dir itself. A server elsewhere may have been replaced by one that has nothing: all
    # codes would be unknown, and the clicks that wait here be counted for nobody.
    if node.database.is_sqlite or not node.settings.journal_dir.exists():
        return
    with node.database.read() as connection:
        if current_revision(connection) is None:
            raise ValueError(
                f"The database is empty, but {node.settings.data_dir} was used with one that was not: check "
                "--database-url. If it is to begin anew, run `shortmcp migrate` first."
            )


def _greet(url: str, token: str | None) -> None:
    if token is None:
        click.echo(f"shortmcp serves on {url}")
        return
    server = {"type": "http", "url": f"{url}/mcp", "headers": {"Authorization": f"Bearer {token}"}}
    snippet = json.dumps({"mcpServers": {"shortmcp": server}}, indent=2)
    click.echo(
        f"shortmcp serves on {url}\n\n"
        f"Your read & write token, shown only now:\n\n  {token}\n\n"
        f"Put this into your MCP client's configuration:\n\n{snippet}\n"
    )
