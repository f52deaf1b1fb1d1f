"""The command line: serve, worker, migrate, doctor, backup, restore, workspace, token, jobs, report."""

import importlib

import click

# Everything heavy is imported when its command is called: `--help` must not wait for it.
COMMANDS = {
    "serve": "shortmcp.cli.serve:serve",
    "worker": "shortmcp.cli.serve:worker",
    "migrate": "shortmcp.cli.upkeep:migrate",
    "doctor": "shortmcp.cli.upkeep:doctor",
    "backup": "shortmcp.cli.backups:backup",
    "restore": "shortmcp.cli.backups:restore",
    "workspace": "shortmcp.cli.workspaces:workspace",
    "token": "shortmcp.cli.tokens:token",
    "jobs": "shortmcp.cli.jobs:jobs",
    "report": "shortmcp.cli.reports:report",
}


class LateGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        return getattr(importlib.import_module(module), name)


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="shortmcp")
def main() -> None:
    """Short links, QR codes and exact click analytics for AI agents and the people behind them.

    Every option also reads an environment variable: SHORTMCP_ and its name, as in SHORTMCP_DATA_DIR.
    """
