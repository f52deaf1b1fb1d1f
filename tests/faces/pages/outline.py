"""Reads a page strictly: whatever a browser would have to guess at is an error."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from shortmcp.faces.pages import Page

# Never closed, by the HTML standard.
VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})


@dataclass
class Element:
    """A tag with what is said in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Outline(HTMLParser):
    """The elements of a page in their order."""

    elements: list[Element] = field(default_factory=list[Element])

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []

    def all(self, tag: str) -> list[Element]:
        """The elements of one kind."""
        return [element for element in self.elements if element.tag == tag]

    def one(self, tag: str) -> Element:
        """The only element of its kind."""
        (element,) = self.all(tag)
        return element

    def text_of(self, tag: str) -> str:
        """The text inside the only element of its kind."""
        return self.one(tag).text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute of <{tag}> is given twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {"svg", "path"} >= {self._open[-1].tag, tag}, f"<{tag}/> closes itself in drawings alone"
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def close(self) -> None:
        super().close()
        assert self._open == [], "not everything is closed"
        ids = [element.attributes["id"] for element in self.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids)), "an id is given twice"


def read_html(page: Page) -> Outline:
    """The page's elements; fails where the HTML is not well-formed."""
    html = page.body.decode()
    assert html.startswith("<!doctype html>\n")
    outline = Outline()
    outline.feed(html)
    outline.close()
    return outline
