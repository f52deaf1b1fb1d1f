"""QR codes as SVG and PNG, written without an imaging library."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.main import QRCode

from shortmcp.core.errors import invalid

ErrorCorrection = Literal["L", "M", "Q", "H"]
COLOR_PATTERN: Final = r"^#[0-9a-fA-F]{6}$"

_LEVELS: Final = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}


@dataclass(frozen=True)
class Drawing:
    """What to draw: `size` is in pixels a module, `border` in modules, the colours match COLOR_PATTERN."""

    content: str
    error_correction: ErrorCorrection = "M"
    size: int = 8
    border: int = 4
    dark: str = "#000000"
    light: str = "#ffffff"


def draw_svg(drawing: Drawing) -> str:
    """The code as an SVG document; OperationError where the content does not fit."""
    rows = _rows(drawing)
    pixels = len(rows) * drawing.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{pixels}" height="{pixels}"'
        f' viewBox="0 0 {len(rows)} {len(rows)}" shape-rendering="crispEdges">'
        f'<rect width="100%" height="100%" fill="#{_rgb(drawing.light).hex()}"/>'
        f'<path stroke="#{_rgb(drawing.dark).hex()}" d="{"".join(_strokes(rows))}"/></svg>'
    )


def draw_png(drawing: Drawing) -> bytes:
    """The code as a PNG file of two colours; OperationError where the content does not fit."""
    rows = _rows(drawing)
    pixels = len(rows) * drawing.size
    lines = b"".join(_scan_lines(row, drawing.size) for row in rows)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", pixels, pixels, 1, 3, 0, 0, 0)),  # 1 bit a pixel, palette
            _chunk(b"PLTE", _rgb(drawing.light) + _rgb(drawing.dark)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _rows(drawing: Drawing) -> list[list[bool]]:
    code = QRCode(error_correction=_LEVELS[drawing.error_correction], border=drawing.border)
    code.add_data(drawing.content)
    try:
        code.make()
    except ValueError:  # the package asks itself for version 41, and the standard ends at 40
        raise invalid(
            "error_correction",
            "`error_correction` leaves no room for content this long; choose a lower level or shorten the content.",
        ) from None
    return code.get_matrix()


def _strokes(rows: list[list[bool]]) -> Iterator[str]:
    # A stroke is one unit wide around its line, so it fills a row from the middle; `m` moves from the pen's place.
    pen_x, pen_y = 0, 0
    yield "M0 .5"
    for y, row in enumerate(rows):
        for x, length in _dark_runs(row):
            yield f"m{x - pen_x} {y - pen_y}h{length}"
            pen_x, pen_y = x + length, y


def _dark_runs(row: list[bool]) -> Iterator[tuple[int, int]]:
    x = 0
    for dark, modules in groupby(row):
        length = len(list(modules))
        if dark:
            yield x, length
        x += length


def _scan_lines(row: list[bool], size: int) -> bytes:
    bits = "".join("1" * size if dark else "0" * size for dark in row)
    width = -(-len(bits) // 8)
    line = int(bits.ljust(width * 8, "0"), 2).to_bytes(width, "big")
    # Filter 0 takes the line as it is; filter 2 is the difference to the line above, here none.
    return b"\0" + line + (b"\2" + bytes(width)) * (size - 1)


def _rgb(color: str) -> bytes:
    # Through bytes, so that no other text than a colour can reach the document.
    return bytes.fromhex(color.removeprefix("#"))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
