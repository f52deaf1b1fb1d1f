"""Pages that carry a link's Open Graph tags: for preview bots, and for visitors who keep the short address."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from shortmcp.faces.pages.rendering import NO_FORMS, Page, render


@dataclass(frozen=True)
class OpenGraph:
    """What a messenger shows of a link, as its owner wrote it."""

    title: str
    description: str | None = None
    image: str | None = None  # an http or https URL


def preview_page(short_url: str, opengraph: OpenGraph) -> Page:
    """200, for preview bots: the tags, and the same in words; no redirect, nothing of the destination."""
    shown = urlsplit(short_url)
    values = {"opengraph": opengraph, "url": short_url, "shown": shown.netloc + shown.path}
    return render("preview.html", 200, values, NO_FORMS)


def masked_page(destination: str, title: str, opengraph: OpenGraph | None = None) -> Page:
    """200: `destination`, an http or https URL, in a frame that fills the window; `title` names window and frame.

    The frame may do what a page of its own may, but not lead the window elsewhere. `allow-same-origin` lets it keep its
    own cookies and storage; it is harmless beside `allow-scripts` because the destination is never of this server's
    origin, and a page of ours refuses to be framed.
    """
    values = {"opengraph": opengraph, "url": None, "title": title, "destination": destination}
    return render("masked.html", 200, values, "frame-src http: https:", NO_FORMS)
