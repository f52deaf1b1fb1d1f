"""QR codes: an independent reader gets the content back, from the PNG as from the SVG."""

import re
import struct
import zlib
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.qr import COLOR_PATTERN, Drawing, ErrorCorrection, draw_png, draw_svg

Pixels = NDArray[np.uint8]  # rows, columns, then red, green, blue

SHORT_URL = "https://sho.rt/abcdefghijklmno"
LONG_URL = "https://example.com/?".ljust(2048, "a")
NAMESPACE = "{http://www.w3.org/2000/svg}"


def read_chunks(png: bytes) -> dict[bytes, bytes]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        end = position + 8 + length
        assert struct.unpack_from(">I", png, end) == (zlib.crc32(png[position + 4 : end]),)
        chunks[png[position + 4 : position + 8]] = png[position + 8 : end]
        position = end + 4
    return chunks


def paint_png(png: bytes) -> Pixels:
    chunks = read_chunks(png)
    width, height, *form = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert form == [1, 3, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + (width + 7) // 8)
    packed = np.zeros_like(lines[:, 1:])
    for y, line in enumerate(lines):
        assert line[0] in {0, 2}
        packed[y] = line[1:] + (packed[y - 1] if line[0] == 2 else 0)
    palette = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(2, 3)
    return palette[np.unpackbits(packed, axis=1)[:, :width]]


def paint_svg(svg: str) -> Pixels:
    root = ET.fromstring(svg)  # noqa: S314  our own text
    background, path = root
    modules = int(root.attrib["viewBox"].split()[2])
    canvas = np.empty((modules, modules, 3), np.uint8)
    canvas[:] = list(bytes.fromhex(background.attrib["fill"][1:]))
    x, y = 0, 0
    for step in re.findall(r"[Mm][^Mm]+", path.attrib["d"].removeprefix("M0 .5")):
        right, down, length = map(int, re.fullmatch(r"m(-?\d+) (\d+)h(\d+)", step).groups())  # pyright: ignore[reportOptionalMemberAccess]
        x, y = x + right, y + down
        canvas[y, x : x + length] = list(bytes.fromhex(path.attrib["stroke"][1:]))
        x += length
    return canvas.repeat(int(root.attrib["width"]) // modules, 0).repeat(int(root.attrib["height"]) // modules, 1)


def read_code(pixels: Pixels) -> tuple[str, str]:
    on_white = np.pad(pixels.repeat(3, 0).repeat(3, 1), ((30, 30), (30, 30), (0, 0)), constant_values=255)
    (code,) = zxingcpp.read_barcodes(
        np.ascontiguousarray(on_white[:, :, ::-1]), zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    )
    return code.text, code.ec_level


LEVELS: list[ErrorCorrection] = ["L", "M", "Q", "H"]
CONTENTS = [
    "a",
    "0123456789" * 5,
    "HTTPS://SHO.RT/ABC123",
    SHORT_URL,
    "https://sho.rt/%F0%9F%98%80?q=1&r=2#x",
    "https://example.com/" + "path/" * 100,
]


@pytest.mark.parametrize("content", CONTENTS, ids=len)
@pytest.mark.parametrize("level", LEVELS)
def test_the_content_and_its_level_are_read_back_from_the_png(content: str, level: ErrorCorrection) -> None:
    assert read_code(paint_png(draw_png(Drawing(content, level)))) == (content, level)


@pytest.mark.parametrize("level", ["L", "M"])
def test_a_destination_of_the_greatest_length_is_read_back(level: ErrorCorrection) -> None:
    assert read_code(paint_png(draw_png(Drawing(LONG_URL, level, size=3)))) == (LONG_URL, level)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 10, 16])
@pytest.mark.parametrize("border", [0, 1, 4, 10])
def test_size_and_border_change_the_picture_and_not_the_content(size: int, border: int) -> None:
    pixels = paint_png(draw_png(Drawing(SHORT_URL, "M", size, border)))
    assert pixels.shape == ((29 + 2 * border) * size, (29 + 2 * border) * size, 3)
    assert read_code(pixels) == (SHORT_URL, "M")


@pytest.mark.parametrize(
    ("dark", "light"),
    [("#000000", "#ffffff"), ("#1a2b6d", "#fff4e0"), ("#ffffff", "#000000"), ("#ffee00", "#102030")],
)
def test_the_colours_are_those_asked_for(dark: str, light: str) -> None:
    pixels = paint_png(draw_png(Drawing(SHORT_URL, dark=dark, light=light)))
    assert bytes(pixels[0, 0]).hex() == light[1:]
    assert bytes(pixels[4 * 8, 4 * 8]).hex() == dark[1:]
    assert read_code(pixels) == (SHORT_URL, "M")


@pytest.mark.parametrize(
    "drawing",
    [
        Drawing(SHORT_URL),
        Drawing(SHORT_URL, "H", size=3, border=0),
        Drawing(SHORT_URL, "L", size=1, border=1, dark="#ABCDEF", light="#012345"),
        Drawing(LONG_URL, size=1),
    ],
    ids=["plain", "borderless", "coloured", "long"],
)
def test_the_svg_shows_the_same_picture_as_the_png(drawing: Drawing) -> None:
    assert np.array_equal(paint_svg(draw_svg(drawing)), paint_png(draw_png(drawing)))


def test_the_svg_is_a_rectangle_and_one_path_with_sharp_edges() -> None:
    root = ET.fromstring(draw_svg(Drawing(SHORT_URL, size=5)))  # noqa: S314
    assert root.tag == f"{NAMESPACE}svg"
    assert root.attrib == {"width": "185", "height": "185", "viewBox": "0 0 37 37", "shape-rendering": "crispEdges"}
    assert [(child.tag, sorted(child.attrib)) for child in root] == [
        (f"{NAMESPACE}rect", ["fill", "height", "width"]),
        (f"{NAMESPACE}path", ["d", "stroke"]),
    ]


def test_the_png_holds_nothing_but_the_picture() -> None:
    assert list(read_chunks(draw_png(Drawing(SHORT_URL)))) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]


@pytest.mark.parametrize(("level", "svg_bytes", "png_bytes"), [("L", 1400, 400), ("M", 1700, 450), ("H", 2200, 550)])
def test_the_code_of_a_short_url_is_small(level: ErrorCorrection, svg_bytes: int, png_bytes: int) -> None:
    drawing = Drawing(SHORT_URL, level)
    assert len(draw_svg(drawing)) <= svg_bytes
    assert len(draw_png(drawing)) <= png_bytes


def test_the_largest_code_stays_small() -> None:
    assert len(draw_svg(Drawing(LONG_URL))) <= 50_000
    assert len(draw_png(Drawing(LONG_URL, size=20))) <= 20_000


def test_the_same_drawing_gives_the_same_bytes() -> None:
    drawing = Drawing(SHORT_URL)
    assert (draw_svg(drawing), draw_png(drawing)) == (draw_svg(replace(drawing)), draw_png(replace(drawing)))


@pytest.mark.parametrize(("level", "most"), [("L", 2953), ("M", 2331), ("Q", 1663), ("H", 1273)])
def test_content_beyond_the_standard_is_refused_at_each_level(level: ErrorCorrection, most: int) -> None:
    assert draw_png(Drawing("a" * most, level, size=1))
    with pytest.raises(OperationError) as caught:
        draw_svg(Drawing("a" * (most + 1), level))
    assert caught.value.code == Code.INVALID
    assert caught.value.errors == {"error_correction": [caught.value.sentence]}


@pytest.mark.parametrize("color", ['"/><script>', "url(javascript:x)", "red", "#12345g"])
def test_what_is_no_colour_never_reaches_a_document(color: str) -> None:
    assert re.match(COLOR_PATTERN, color) is None
    with pytest.raises(ValueError, match="fromhex"):
        draw_svg(Drawing(SHORT_URL, dark=color))


@pytest.mark.parametrize("color", ["#000000", "#FFffFF", "#09afAF"])
def test_the_pattern_takes_colours_in_both_cases(color: str) -> None:
    assert re.match(COLOR_PATTERN, color)
