"""What the Inspector printed, compared with what it was to see: `check_inspector.py ERA FOLDER`."""

import json
import sys
from pathlib import Path
from typing import Any

SURFACE = Path(__file__).parents[1] / "surface" / "tools.json"


def main(era: str, folder: Path) -> None:
    """Fail with a traceback where something is not as it should be."""
    listed, called, drawn = (read(folder / name) for name in ("list.json", "call.json", "qr.json"))
    names = [tool["name"] for tool in listed["tools"]]
    known = [tool["name"] for tool in json.loads(SURFACE.read_text(encoding="utf-8"))]
    assert names
    assert [name for name in known if name in names] == names, names
    assert not called.get("isError"), called
    assert called["structuredContent"]["data"]["short_code"] == f"inspected-{era}"
    assert [block["type"] for block in drawn["content"]] == ["image", "resource", "text"]
    sys.stdout.write(f"{len(names)} tools listed; create_short_link and get_qr_code called.\n")


def read(path: Path) -> dict[str, Any]:
    """The JSON in a file that the Inspector wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
