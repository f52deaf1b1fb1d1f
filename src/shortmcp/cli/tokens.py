"""`shortmcp token`: the credentials of workspaces."""

import json
from typing import Any

import click

from shortmcp.cli.options import STORAGE, administration, shared_options


@click.group()
def token() -> None:
    """Create, list and revoke tokens."""


@token.command()
@click.option("--workspace", required=True, metavar="SLUG", help="Workspace that the token belongs to.")
@click.option("--name", required=True, help="What it is for, such as `Zapier`.")
@click.option("--scope", required=True, type=click.Choice(["read", "read_write"]), help="What it may do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def create(workspace: str, name: str, scope: str, *, as_json: bool, **given: Any) -> None:
    """Create a token and print it, once."""
    from shortmcp.core.context import Scope  # noqa: PLC0415
    from shortmcp.core.tokens import create_token  # noqa: PLC0415

    if not name.strip():
        raise click.BadParameter("must not be empty: say what the token is for.", param_hint="--name")
    with administration(given) as ctx:
        made, shown = create_token(ctx, workspace, name, Scope(scope))
    if as_json:
        click.echo(json.dumps({"id": made.id, "token": shown, "scope": made.scope, "name": made.name}))
    else:
        click.echo(f"Created token {made.id} ({scope}) of workspace `{workspace}`. It is shown only now:\n\n{shown}\n")


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@shared_options(*STORAGE)
def list_all(*, as_json: bool, **given: Any) -> None:
    """List every token; the secrets are not kept."""
    from shortmcp.core.tokens import list_tokens  # noqa: PLC0415

    with administration(given) as ctx:
        rows = [
            {
                "id": found.id,
                "workspace": owner.slug,
                "name": found.name,
                "scope": found.scope,
                "created_at": found.created_at.isoformat(timespec="seconds"),
                "revoked": found.revoked_at is not None,
            }
            for found, owner in list_tokens(ctx)
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        state = "  revoked" if row["revoked"] else ""
        click.echo(f"{row['id']:>5}  {row['workspace']:<24}  {row['scope']:<10}  {row['name']}{state}")


@token.command()
@click.argument("token_id", metavar="ID", type=click.IntRange(1, 2**31 - 1))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options(*STORAGE)
def revoke(token_id: int, *, as_json: bool, **given: Any) -> None:
    """Make token ID useless from the next request on."""
    from shortmcp.core.tokens import revoke_token  # noqa: PLC0415

    with administration(given) as ctx:
        gone = revoke_token(ctx, token_id)
    click.echo(json.dumps({"id": gone.id, "revoked": True}) if as_json else f"Revoked token {gone.id}.")
