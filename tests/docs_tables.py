"""The README's generated tables; run as a program, it writes them into the README."""

import re
from pathlib import Path

from shortmcp.catalog import CATALOG
from shortmcp.core.context import Scope
from shortmcp.settings import PREFIX, Settings

README = Path(__file__).parent.parent / "README.md"


def operations_table() -> str:
    """Every operation with its routes and scope."""
    rows = [
        f"| `{operation.name}` | {', '.join(f'`{route.method} {route.path}`' for route in operation.routes)} | "
        f"{'read' if operation.scope is Scope.READ else 'write'} |"
        for operation in CATALOG
    ]
    return "\n".join(["| tool | route | scope |", "|---|---|---|", *rows])


def settings_table() -> str:
    """Every setting with its default."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what |", "|---|---|---|", *rows])


def with_tables(text: str) -> str:
    """`text` with both tables as they should be."""
    for name, table in (("operations", operations_table()), ("settings", settings_table())):
        text = re.sub(
            f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.DOTALL
        )
    return text


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`" if str(value) and value not in ((), {}, None) else ""


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
