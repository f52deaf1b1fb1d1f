"""`shortmcp report`: what a report looks like, and who gets it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shortmcp.cli.options import STORAGE, administration, read_settings, shared_options

if TYPE_CHECKING:
    from shortmcp.core.context import Context
    from shortmcp.core.projects import Project
    from shortmcp.core.workspaces import Workspace

PROJECT = click.argument("project", metavar="PROJECT")


@click.group()
def report() -> None:
    """Look at reports before they are sent, and at who gets them. PROJECT is a project's id or slug."""


@report.command()
@PROJECT
@click.option("--cadence", type=click.Choice(["weekly", "monthly"]), default="weekly", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=".", help="Folder for the files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options("base_url", *STORAGE)
def preview(project: str, *, cadence: str, out: Path, as_json: bool, **given: Any) -> None:
    """Write the report of the last week or month that is over into two files, HTML and text; nothing is sent."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from shortmcp.core.reports.making import read_project_report  # noqa: PLC0415
    from shortmcp.core.reports.periods import Cadence, period_before  # noqa: PLC0415
    from shortmcp.core.reports.rendering import write_report  # noqa: PLC0415

    zone = ZoneInfo(read_settings(given).report_timezone)
    period = period_before(Cadence(cadence), datetime.now(UTC).astimezone(zone).date())
    with administration(given) as ctx:
        found, workspace = _find(ctx, project)
        written = write_report(read_project_report(ctx, found, workspace, period, zone), workspace.name, None)
    name = f"report-{found.slug[:100]}-{cadence}-{period.first}"
    files = {"html": out / f"{name}.html", "text": out / f"{name}.txt"}
    try:
        out.mkdir(parents=True, exist_ok=True)
        files["html"].write_text(written.html, encoding="utf-8")
        files["text"].write_text(written.text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"--out: {out} cannot be written to: {error.strerror}.") from None
    shown = {kind: str(path) for kind, path in files.items()}
    if as_json:
        click.echo(json.dumps({"subject": written.subject, **shown}))
    else:
        click.echo(f"{written.subject}\nWritten to {shown['html']} and {shown['text']}.")


@report.command()
@PROJECT
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@shared_options(*STORAGE)
def recipients(project: str, *, as_json: bool, **given: Any) -> None:
    """List a project's recipients and whether they have confirmed."""
    from shortmcp.core.reports.audience import list_audience  # noqa: PLC0415

    with administration(given) as ctx:
        rows = [
            {"address": one.address, "weekly": one.weekly, "monthly": one.monthly, "state": one.state.value}
            for one in list_audience(ctx, _find(ctx, project)[0])
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        kinds = ", ".join(kind for kind in ("weekly", "monthly") if row[kind])
        click.echo(f"{row['state']:<10}  {kinds:<15}  {row['address']}")


def _find(ctx: "Context", reference: str) -> "tuple[Project, Workspace]":
    from shortmcp.core.reports.audience import find_any_project  # noqa: PLC0415

    return find_any_project(ctx, reference)
