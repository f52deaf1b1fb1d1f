"""The QR code of a short link."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shortmcp.core.context import Context
from shortmcp.core.links.finding import find_link
from shortmcp.core.links.models import LinkRef
from shortmcp.core.qr import COLOR_PATTERN, Drawing

Color = Annotated[str, Field(pattern=COLOR_PATTERN)]


class QrQuery(LinkRef):
    """Which link, and how its QR code looks."""

    format: Annotated[Literal["svg", "png"], Field(description="Image format.")] = "svg"
    size: Annotated[int, Field(ge=1, le=40, description="Pixels a module.")] = 10
    border: Annotated[int, Field(ge=0, le=20, description="Quiet zone in modules; scanners want 4.")] = 4
    dark: Annotated[Color, Field(description="Colour of the modules, as #rrggbb.")] = "#000000"
    light: Annotated[Color, Field(description="Colour behind them, as #rrggbb.")] = "#ffffff"
    error_correction: Annotated[
        Literal["L", "M", "Q", "H"], Field(description="How much may be damaged: L 7 %, M 15 %, Q 25 %, H 30 %.")
    ] = "M"


class QrPublic(BaseModel):
    """The QR code of `short_url`."""

    short_code: str
    short_url: str
    format: str
    drawing: Annotated[Drawing, Field(exclude=True)]


def get_qr_code(ctx: Context, query: QrQuery) -> QrPublic:
    """Show a short link's QR code as an image that encodes its short URL. It goes on working when the link changes.

    Reading it is no visit: nothing is counted.
    """
    link = find_link(ctx, query)
    short_url = ctx.site.short_url(link.short_code, link.domain)
    drawing = Drawing(
        content=short_url,
        error_correction=query.error_correction,
        size=query.size,
        border=query.border,
        dark=query.dark.lower(),
        light=query.light.lower(),
    )
    return QrPublic(short_code=link.short_code, short_url=short_url, format=query.format, drawing=drawing)
