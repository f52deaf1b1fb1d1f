"""The QR code of a short link."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from shortmcp.core.context import Context
from shortmcp.core.links.finding import find_link, find_visited
from shortmcp.core.links.models import LinkRef
from shortmcp.core.links.tables import Link
from shortmcp.core.qr import COLOR_PATTERN, Drawing

Color = Annotated[str, Field(pattern=COLOR_PATTERN)]


class QrStyle(BaseModel):
    """How a QR code looks."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[Literal["svg", "png"], Field(description="Image format.")] = "svg"
    size: Annotated[int, Field(ge=1, le=40, description="Pixels a module.")] = 10
    border: Annotated[int, Field(ge=0, le=20, description="Quiet zone in modules; scanners want 4.")] = 4
    dark: Annotated[Color, Field(description="Colour of the modules, as #rrggbb.")] = "#000000"
    light: Annotated[Color, Field(description="Colour behind them, as #rrggbb.")] = "#ffffff"
    error_correction: Annotated[
        Literal["L", "M", "Q", "H"], Field(description="How much may be damaged: L 7 %, M 15 %, Q 25 %, H 30 %.")
    ] = "M"


class QrQuery(QrStyle, LinkRef):
    """Which link, and how its QR code looks."""


class VisitorQrQuery(QrStyle):
    """What a visitor asked for: a code, on which domain, and how its QR code looks."""

    short_code: str
    domain: str


class QrPublic(BaseModel):
    """The QR code of `short_url`."""

    short_code: str
    short_url: str
    image_url: Annotated[str, Field(description="Shows it to everybody, without a token.")]
    format: str
    svg_url: Annotated[str, Field(exclude=True)]
    drawing: Annotated[Drawing, Field(exclude=True)]


def get_qr_code(ctx: Context, query: QrQuery) -> QrPublic:
    """Show a short link's QR code as an image that encodes its short URL. It goes on working when the link changes.

    `image_url` is for web pages and print. Reading it is no visit: nothing is counted.
    """
    return _draw(ctx, find_link(ctx, query), query)


def show_qr_code(ctx: Context, query: VisitorQrQuery) -> QrPublic:
    """Show any link's QR code to a visitor: it holds the short URL and nothing else, so it needs no password."""
    return _draw(ctx, find_visited(ctx, query.short_code, query.domain), query)


def _draw(ctx: Context, link: Link, style: QrStyle) -> QrPublic:
    short_url = ctx.site.short_url(link.short_code, link.domain)
    drawing = Drawing(
        content=short_url,
        error_correction=style.error_correction,
        size=style.size,
        border=style.border,
        dark=style.dark.lower(),
        light=style.light.lower(),
    )
    return QrPublic(
        short_code=link.short_code,
        short_url=short_url,
        image_url=_image_url(ctx, link, style),
        format=style.format,
        svg_url=_image_url(ctx, link, style.model_copy(update={"format": "svg"})),
        drawing=drawing,
    )


def _image_url(ctx: Context, link: Link, style: QrStyle) -> str:
    chosen = style.model_dump(include=set(QrStyle.model_fields), exclude_defaults=True)
    return "?".join(filter(None, [ctx.site.short_url(f"qr/{link.short_code}", link.domain), urlencode(chosen)]))
