"""`shortmcp jobs`: what waits to be done, and what was given up."""

import json
from typing import Any

import click

from shortmcp.cli.options import STORAGE, administration, shared_options


@click.group()
def jobs() -> None:
    """List the jobs that are not done, and retry those that were given up."""


@jobs.command("list")
@click.option("--state", type=click.Choice(["queued", "running", "dead"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@shared_options(*STORAGE)
def list_all(state: str | None, limit: int, *, as_json: bool, **given: Any) -> None:
    """List jobs in the order in which they are due, the dead ones last; what they carry is not shown."""
    from shortmcp.core.jobs import JobState, list_jobs  # noqa: PLC0415

    with administration(given) as ctx:
        rows = [_row(found) for found in list_jobs(ctx, JobState(state) if state else None, limit)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        error = f"  {row['last_error']}" if row["last_error"] else ""
        click.echo(
            f"{row['id']:>7}  {row['kind']:<16}  {row['state']:<7}  {row['attempts']:>2}  {row['run_at']}{error}"
        )


@jobs.command()
@click.argument("job_id", metavar="[ID]", required=False, type=click.IntRange(1, 2**63 - 1))
@click.option("--all", "everything", is_flag=True, help="Every dead job.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def retry(job_id: int | None, *, everything: bool, as_json: bool, **given: Any) -> None:
    """Queue the dead job ID anew, or all of them with --all."""
    from shortmcp.core.jobs import retry_jobs  # noqa: PLC0415

    if (job_id is None) is not everything:
        raise click.UsageError("Name one dead job by its ID, or all of them with --all.")
    with administration(given) as ctx:
        number = retry_jobs(ctx, job_id)
    click.echo(json.dumps({"retried": number}) if as_json else f"Queued anew: {number}.")


def _row(found: Any) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "state": found.state,
        "attempts": found.attempts,
        "workspace_id": found.workspace_id,
        "due_at": found.due_at.isoformat(timespec="seconds"),
        "run_at": found.run_at.isoformat(timespec="seconds"),
        "last_error": found.last_error,
    }
