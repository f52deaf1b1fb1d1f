"""`shortmcp workspace`: the tenants of an instance."""

import json
from typing import Any

import click

from shortmcp.cli.options import STORAGE, administration, shared_options


@click.group()
def workspace() -> None:
    """Create, list, suspend and resume workspaces, set their plans and owners' addresses."""


@workspace.command()
@click.argument("name")
@click.option("--plan", default="unlimited", show_default=True, help="free, basic, pro, unlimited or one of --plans.")
@click.option("--email", default="", metavar="ADDRESS", help="Where its owner gets mail.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def create(name: str, plan: str, email: str, *, as_json: bool, **given: Any) -> None:
    """Create a workspace NAME."""
    from shortmcp.core.workspaces import create_workspace  # noqa: PLC0415

    with administration(given) as ctx:
        made = create_workspace(ctx, name, plan, email)
    _show(made, as_json=as_json, did="Created")


@workspace.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@shared_options(*STORAGE)
def list_all(*, as_json: bool, **given: Any) -> None:
    """List every workspace."""
    from shortmcp.core.workspaces import list_workspaces  # noqa: PLC0415

    with administration(given) as ctx:
        rows = [_row(found) for found in list_workspaces(ctx)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        state = "  suspended" if row["suspended"] else ""
        click.echo(f"{row['id']:>5}  {row['slug']:<24}  {row['plan']:<10}  {row['name']}{state}")


@workspace.command("set-plan")
@click.argument("slug")
@click.argument("plan")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def set_plan(slug: str, plan: str, *, as_json: bool, **given: Any) -> None:
    """Move workspace SLUG to PLAN."""
    from shortmcp.core import workspaces  # noqa: PLC0415

    with administration(given) as ctx:
        changed = workspaces.set_plan(ctx, slug, plan)
    _show(changed, as_json=as_json, did="Changed")


@workspace.command("set-email")
@click.argument("slug")
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def set_email(slug: str, address: str, *, as_json: bool, **given: Any) -> None:
    """Send the mail of workspace SLUG's owner to ADDRESS; an empty one ("") takes the address away."""
    from shortmcp.core.workspaces import set_owner_email  # noqa: PLC0415

    with administration(given) as ctx:
        changed = set_owner_email(ctx, slug, address)
    _show(changed, as_json=as_json, did="Changed")


@workspace.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def suspend(slug: str, *, as_json: bool, **given: Any) -> None:
    """Stop the API of workspace SLUG; its links go on working."""
    _set_suspended(slug, given, suspended=True, as_json=as_json)


@workspace.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def resume(slug: str, *, as_json: bool, **given: Any) -> None:
    """Let workspace SLUG use its API again."""
    _set_suspended(slug, given, suspended=False, as_json=as_json)


def _set_suspended(slug: str, given: dict[str, Any], *, suspended: bool, as_json: bool) -> None:
    from shortmcp.core.workspaces import suspend_workspace  # noqa: PLC0415

    with administration(given) as ctx:
        changed = suspend_workspace(ctx, slug, suspended=suspended)
    _show(changed, as_json=as_json, did="Suspended" if suspended else "Resumed")


def _row(found: Any) -> dict[str, Any]:
    return {
        "id": found.id,
        "slug": found.slug,
        "name": found.name,
        "plan": found.plan,
        "suspended": found.suspended_at is not None,
        "owner_email": found.owner_email,
    }


def _show(found: Any, *, as_json: bool, did: str) -> None:
    row = _row(found)
    click.echo(
        json.dumps(row) if as_json else f"{did}: workspace `{row['slug']}` (id {row['id']}, plan {row['plan']})."
    )
