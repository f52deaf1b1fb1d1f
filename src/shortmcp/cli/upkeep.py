"""`shortmcp migrate` and `shortmcp doctor`: the schema, and what is misconfigured, in words."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shortmcp.cli.options import STORAGE, open_node, read_settings, shared_options

if TYPE_CHECKING:
    from shortmcp.app.node import Node
    from shortmcp.core.reports.audience import Audience
    from shortmcp.settings import Settings

LOW_DISK = 500 << 20


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `ok`, `warning` or `error`, and what to do about it."""

    state: str
    subject: str
    sentence: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def migrate(*, as_json: bool, **given: Any) -> None:
    """Bring the database to this version's schema."""
    from shortmcp.adapters import schema  # noqa: PLC0415
    from shortmcp.core.errors import OperationError  # noqa: PLC0415

    node = open_node(given)
    try:
        before, after = schema.migrate(node.database)
    except (OperationError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    finally:
        node.database.close()
    if as_json:
        click.echo(json.dumps({"before": before, "after": after}))
    elif before == after:
        click.echo(f"The schema is up to date (revision {after}).")
    else:
        click.echo(f"The schema went from {before or 'nothing'} to revision {after}.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@shared_options("base_url", *STORAGE, "geoip")
def doctor(*, as_json: bool, **given: Any) -> None:
    """Say what is misconfigured; ends with status 1 where something does not work."""
    settings = read_settings(given)
    if (place := _check_place(settings)) is not None:
        _report([place], as_json=as_json)
        return
    node = open_node(given)
    findings = [
        *_check_database(node),
        *_check_redis(settings),
        *_check_key(node),
        *_check_disk(settings),
        *_check_address(settings),
        *_check_geoip(settings),
        *_check_mail(settings),
        *_check_reports(node),
        *_check_safety(settings),
    ]
    node.database.close()
    _report(findings, as_json=as_json)


def _report(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            color = {"ok": "green", "warning": "yellow", "error": "red"}[finding.state]
            click.echo(f"{click.style(finding.state, fg=color):<18} {finding.subject}: {finding.sentence}")
    raise SystemExit(any(finding.state == "error" for finding in findings))


def _check_place(settings: "Settings") -> Finding | None:
    # Looked at before anything is opened: opening would make what is missing.
    folder = settings.data_dir.absolute()
    database = folder / "shortmcp.db"
    if not folder.is_dir():
        return Finding("error", "data dir", f"{folder} does not exist: check --data-dir; `shortmcp serve` makes it.")
    if not settings.database_url and not database.exists():
        return Finding("error", "database", f"{database} does not exist: check --data-dir; `shortmcp serve` makes it.")
    return None


def _check_database(node: "Node") -> Iterator[Finding]:
    from sqlalchemy import text  # noqa: PLC0415

    from shortmcp.adapters.schema import is_current  # noqa: PLC0415
    from shortmcp.core.errors import OperationError  # noqa: PLC0415

    try:
        current = is_current(node.database)
        if node.database.is_sqlite:
            version = f"SQLite {sqlite3.sqlite_version}"
        else:
            with node.database.read() as connection:
                version = f"PostgreSQL {connection.execute(text('SHOW server_version')).scalar_one()}"
    except OperationError as error:
        reason = type(error.__cause__).__name__ if error.__cause__ else "no answer"
        yield Finding("error", "database", f"It does not answer ({reason}): check --database-url and that it runs.")
        return
    yield Finding("ok", "database", f"{version} answers.")
    if current and not node.database.is_sqlite:
        yield from _check_search(node)
    if not current:
        yield Finding("error", "schema", "It is not this version's: run `shortmcp migrate`, or start the server.")


def _check_redis(settings: "Settings") -> Iterator[Finding]:
    from shortmcp.adapters.redis import check_redis  # noqa: PLC0415

    if not (url := settings.redis_url.get_secret_value()):
        return
    reason = check_redis(url)
    if reason is None:
        yield Finding("ok", "redis", f"{settings.redis_place} answers and counts requests.")
    else:
        meanwhile = "the database does its work meanwhile"
        sentence = f"{settings.redis_place} counts no requests ({reason}): check SHORTMCP_REDIS_URL; {meanwhile}."
        yield Finding("error", "redis", sentence)


def _check_key(node: "Node") -> Iterator[Finding]:
    from shortmcp.adapters.keys import read_instance_key  # noqa: PLC0415

    path, loss = node.settings.key_file, "Keep a copy: without it no secret that is there can be read any more"
    if node.settings.secret_key.get_secret_value():
        yield Finding("ok", "instance key", f"SHORTMCP_SECRET_KEY gives it. {loss}.")
    elif not path.exists():
        unread = _count_secrets(node)
        found = (
            f"restore it, or the secrets that are kept ({unread}) stay unread" if unread else "the first start makes it"
        )
        yield Finding("error" if unread else "ok", "instance key", f"{path} does not exist: {found}.")
    elif path.stat().st_mode & 0o077:
        yield Finding("error", "instance key", f"Others may read {path}: run `chmod 600` on it.")
    else:
        try:
            read_instance_key("", path)
        except ValueError as error:
            yield Finding("error", "instance key", str(error))
            return
        yield Finding("ok", "instance key", f"{path}. {loss}; keep it apart from copies of the database.")


def _count_secrets(node: "Node") -> int:
    from sqlalchemy import text  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from shortmcp.core.errors import OperationError  # noqa: PLC0415

    try:
        with node.database.read() as connection:
            return connection.execute(text("SELECT count(*) FROM sealed_contents")).scalar_one()
    except (DBAPIError, OperationError):
        # What is the matter with the database is said elsewhere.
        return 0


def _check_search(node: "Node") -> Iterator[Finding]:
    from shortmcp.adapters.words import has_word_index  # noqa: PLC0415

    with node.database.read() as connection:
        indexed = has_word_index(connection)
    if not indexed:
        yield Finding(
            "warning",
            "search",
            "It reads every link of a workspace, as PostgreSQL's extension pg_trgm is missing: run `CREATE EXTENSION "
            "pg_trgm` in the database, then `shortmcp migrate`.",
        )


def _check_disk(settings: "Settings") -> Iterator[Finding]:
    folder = settings.data_dir.absolute()
    if not os.access(folder, os.W_OK):
        yield Finding("error", "data dir", f"{folder} cannot be written to: clicks would be lost.")
        return
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK:
        yield Finding("warning", "data dir", f"Only {free >> 20} MB are free at {folder}.")
    else:
        yield Finding("ok", "data dir", f"{folder}, {free >> 30} GB free.")


def _check_address(settings: "Settings") -> Iterator[Finding]:
    local = "127.0.0.1" in settings.public_url or "localhost" in settings.public_url
    if local:
        yield Finding(
            "warning",
            "base url",
            f"Short URLs begin with {settings.public_url}, which works on this machine alone: set --base-url.",
        )
    elif settings.public_url.startswith("http://"):
        yield Finding("warning", "base url", f"{settings.public_url} is not encrypted: tokens can be read on the way.")
    else:
        yield Finding("ok", "base url", f"Short URLs begin with {settings.public_url}.")
    if not local and not settings.trusted_proxies:
        yield Finding(
            "warning",
            "proxies",
            "None is trusted: behind one, every visitor has its address. Set SHORTMCP_TRUSTED_PROXIES.",
        )


def _check_geoip(settings: "Settings") -> Iterator[Finding]:
    from shortmcp.adapters.geoip import open_countries  # noqa: PLC0415

    try:
        open_countries(settings.geoip)
    except ValueError as error:
        yield Finding("error", "countries", str(error))
        return
    yield Finding("ok", "countries", str(settings.geoip or Path("the data in the package")))


def _check_safety(settings: "Settings") -> Iterator[Finding]:
    from shortmcp.app.safety import make_providers  # noqa: PLC0415

    ready = [provider.name for provider in make_providers(settings) if provider.is_ready()]
    if settings.blocklist is not None and not settings.blocklist.is_file():
        yield Finding("error", "safety", f"The blocklist {settings.blocklist} does not exist.")
    if ready:
        yield Finding("ok", "safety", f"Destinations are checked with {', '.join(ready)}.")
    else:
        way_out = f"Set SHORTMCP_SAFE_BROWSING_KEY, or write hosts into {settings.blocklist_file}."
        yield Finding("warning", "safety", f"Nobody is asked whether destinations are safe. {way_out}")


def _check_mail(settings: "Settings") -> Iterator[Finding]:
    from shortmcp.adapters.smtp import read_smtp_url  # noqa: PLC0415

    if not settings.smtp_url:
        yield Finding("warning", "mail", "No mail server is set: mails are only logged. Set SHORTMCP_SMTP_URL.")
        return
    server = read_smtp_url(settings.smtp_url)
    sender = "" if settings.mail_from else "; set SHORTMCP_MAIL_FROM to an address that may send there"
    state = "ok" if settings.mail_from else "warning"
    yield Finding(state, "mail", f"Sent by {settings.sender} through {server.host}:{server.port}{sender}.")


def _check_reports(node: "Node") -> Iterator[Finding]:
    from shortmcp.adapters.schema import is_current  # noqa: PLC0415
    from shortmcp.core.errors import OperationError  # noqa: PLC0415
    from shortmcp.core.reports.audience import count_audience  # noqa: PLC0415

    try:
        if not is_current(node.database):
            return
        with node.database.read() as connection:
            audience = count_audience(connection)
    except OperationError:
        # What is wrong with the database was said before.
        return
    if audience.projects:
        yield _judge_reports(node.settings, audience)


def _judge_reports(settings: "Settings", audience: "Audience") -> Finding:
    if not settings.smtp_url:
        wanted = f"Wanted by {audience.projects} of the projects, and nobody can send them: set SHORTMCP_SMTP_URL."
        return Finding("warning", "reports", wanted)
    if not settings.public_url.startswith("https://"):
        insecure = "Mail programs offer to unsubscribe with one click over https alone: set --base-url."
        return Finding("warning", "reports", insecure)
    counted = f"{audience.confirmed} confirmed, {audience.invited} asked, {audience.refused} refused by their server"
    return Finding("ok", "reports", f"Recipients: {counted}.")
