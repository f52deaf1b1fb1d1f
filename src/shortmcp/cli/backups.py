"""`shortmcp backup` and `shortmcp restore`: a copy of a database that is in use, and the way back."""

import json
import signal
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shortmcp.cli.options import STORAGE, open_node, read_settings, shared_options

if TYPE_CHECKING:
    from shortmcp.app.node import Node
    from shortmcp.settings import Settings

# How long a backup waits for clicks that are answered but not counted, usually a fraction of a second old.
COUNTING_SECONDS = 30.0
# Between two lines about how far it is.
TELL_SECONDS = 5.0


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def backup(file: Path, *, as_json: bool, **given: Any) -> None:
    """Write a consistent copy of the database to FILE, also while a server runs, and check it.

    FILE must not exist. On PostgreSQL it is made by pg_dump, in its custom format. The instance's key is not in it.
    """
    began = time.monotonic()
    # As Ctrl-C: what was begun is deleted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _check_place(read_settings(given))
    node = open_node(given)
    with closing(node.database), _in_words():
        revision, uncounted = _look_at(node)
        _copy(node, file.absolute())
    made = {
        "file": str(file.absolute()),
        "bytes": file.stat().st_size,
        "database": node.database.url.get_backend_name(),
        "revision": revision,
        "uncounted_bytes": uncounted,
        "seconds": round(time.monotonic() - began, 1),
    }
    if uncounted:
        click.echo(
            f"{uncounted} bytes of the click journal were not counted yet, and are not in the copy: nobody counts, or "
            "too slowly.",
            err=True,
        )
    click.echo(json.dumps(made) if as_json else f"{made['file']}: {made['bytes']:,} bytes, checked.")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def restore(file: Path, *, as_json: bool, **given: Any) -> None:
    """Put the copy FILE in the place of the SQLite database, and count what waits in the click journal.

    Everything that uses the database must have been stopped. What was there before is kept beside it.
    """
    from shortmcp.adapters import backup  # noqa: PLC0415
    from shortmcp.adapters.sqlite import sqlite_path  # noqa: PLC0415

    settings = read_settings(given)
    database = sqlite_path(settings.database)
    if database is None:
        raise click.ClickException(
            "On PostgreSQL pg_restore does this, into an empty database: "
            f"`pg_restore --no-owner --exit-on-error --dbname=DATABASE {file}`. See docs/backup.md."
        )
    with _in_words():
        kept = backup.restore(file.absolute(), database, settings.journal_dir, _Progress())
        counted = count_waiting(open_node(given))
    done = {"kept": str(kept) if kept else None, **counted}
    click.echo(json.dumps(done) if as_json else _describe(database, done))


def count_waiting(node: "Node") -> dict[str, int]:
    """Bring the database to this version's schema, count what waits in this node's journal, and close it.

    `counted` is the number of clicks, `orphaned` that of clicks on links that the database does not know.
    """
    from shortmcp.adapters.schema import migrate  # noqa: PLC0415
    from shortmcp.app.background import count_journal  # noqa: PLC0415

    with closing(node.database):
        migrate(node.database)
        ingester = count_journal(node)
    return {"counted": ingester.ingested, "orphaned": ingester.orphaned}


class _Progress:
    """Says on standard error how far long work is, now and then."""

    def __init__(self) -> None:
        self._next = time.monotonic() + TELL_SECONDS

    def __call__(self, what: str, done: int, expected: int | None) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TELL_SECONDS
            of = "" if expected is None else f" of about {expected >> 20:,} MB"
            click.echo(f"{what} {done >> 20:,} MB{of}" if done else f"{what}{of.removeprefix(' of')}", err=True)


def _check_place(settings: "Settings") -> None:
    from shortmcp.adapters.sqlite import sqlite_path  # noqa: PLC0415

    database = sqlite_path(settings.database)
    # Looked at before anything is opened: opening would make what is missing.
    if database is not None and not database.exists():
        raise click.ClickException(f"There is no database at {database}: check --data-dir.")


def _look_at(node: "Node") -> tuple[str, int]:
    from shortmcp.adapters.backup import is_served  # noqa: PLC0415
    from shortmcp.adapters.schema import current_revision  # noqa: PLC0415
    from shortmcp.clicks.waiting import wait_until_counted  # noqa: PLC0415

    with node.database.read() as connection:
        revision = current_revision(connection)
    if revision is None:
        raise ValueError("The database is empty: there is nothing to copy.")
    folder = node.settings.journal_dir
    patience = COUNTING_SECONDS if is_served(folder) else 0.0
    return revision, wait_until_counted(folder, node.database.read, patience)


def _copy(node: "Node", target: Path) -> None:
    from shortmcp.adapters import backup  # noqa: PLC0415

    with backup.unfinished(target) as empty:
        if node.database.is_sqlite:
            backup.copy(node.database.path, empty, _Progress())
        else:
            backup.dump(node.database.url, empty, _Progress())


def _describe(database: Path, done: dict[str, Any]) -> str:
    before = f" What was there before is kept as {done['kept']}." if done["kept"] else ""
    unknown = f", {done['orphaned']} were of links that the copy does not know" if done["orphaned"] else ""
    return f"{database} is the copy now.{before} Counted from the click journal: {done['counted']}{unknown}."


@contextmanager
def _in_words() -> Generator[None]:
    import sqlite3  # noqa: PLC0415

    from shortmcp.core.errors import OperationError  # noqa: PLC0415

    try:
        yield
    except FileExistsError as error:
        raise click.ClickException(f"{error.filename or error.args[0]} is there already: name a new file.") from None
    except (OperationError, ValueError, OSError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from None
