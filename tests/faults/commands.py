"""Commands that are run beside a running server."""

import json
import subprocess
from typing import Any

from crash.harness import Instance


def run(instance: Instance, *arguments: str) -> dict[str, Any]:
    """What a command prints about one thing."""
    options = ["--data-dir", str(instance.folder / "data"), "--database-url", instance.database_url, "--json"]
    done = subprocess.run([*instance.command, *arguments, *options], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
