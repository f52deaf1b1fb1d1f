"""What a visitor's address names: a code or what can be seen of it, and by Host the domain that the code is on."""

import re
from enum import StrEnum

from shortmcp.core.codes import MAX_LENGTH, RESERVED
from shortmcp.faces.addresses import Headers

_CODE = re.compile(rf"[a-z0-9-]{{1,{MAX_LENGTH}}}")


class Display(StrEnum):
    """What can be seen of a code beside where it leads."""

    QR_CODE = "qr"
    STATISTICS = "stats"


def read_code(path: str) -> str | None:
    """The code that a path names, or None where it names something else."""
    code = path[1:].removesuffix("/").lower()
    # Of the path as it came: outside ASCII there are letters, such as the Kelvin sign, that become ASCII in lower case.
    return code if path.isascii() and _CODE.fullmatch(code) and code not in RESERVED else None


def read_display(path: str) -> tuple[Display, str] | None:
    """What a path asks to see of which code, or None where it asks for something else."""
    first, _, second = path[1:].removesuffix("/").partition("/")
    display, named = (Display.QR_CODE, second) if first == "qr" else (Display.STATISTICS, first)
    code = read_code(f"/{named}")
    return None if code is None or (display is Display.STATISTICS and second != "stats") else (display, code)


def read_host(headers: Headers) -> bytes:
    """The Host as the names of short domains are compared: lower case, without a final dot or a default port."""
    for name, value in headers:
        if name == b"host":
            return plain_host(value)
    return b""


def plain_host(value: bytes) -> bytes:
    """The value of Host as `read_host` gives it."""
    return value.lower().removesuffix(b":443").removesuffix(b":80").removesuffix(b".")
