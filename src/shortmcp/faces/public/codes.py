"""What a visitor's address names: a code, and by Host the domain that the code is on."""

import re

from shortmcp.core.codes import MAX_LENGTH, RESERVED
from shortmcp.faces.public.addresses import Headers

_CODE = re.compile(rf"[a-z0-9-]{{1,{MAX_LENGTH}}}")


def read_code(path: str) -> str | None:
    """The code that a path names, or None where it names something else."""
    code = path[1:].removesuffix("/").lower()
    # Of the path as it came: outside ASCII there are letters, such as the Kelvin sign, that become ASCII in lower case.
    return code if path.isascii() and _CODE.fullmatch(code) and code not in RESERVED else None


def read_host(headers: Headers) -> bytes:
    """The Host as the names of short domains are compared: lower case, without a final dot or a default port."""
    for name, value in headers:
        if name == b"host":
            return value.lower().removesuffix(b":443").removesuffix(b":80").removesuffix(b".")
    return b""
