"""Texts of pastes as HTML: coloured by what their words are, and every line with a number to link to."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import Final

from markupsafe import escape
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType] - its options are any
from pygments.token import Comment, Generic, Keyword, Literal, Name, Operator, _TokenType

from shortmcp.core.pastes.languages import PLAIN

# In characters; what is longer stays plain, and what has more lines stays one block. A line that is longer than people
# write makes a lexer try for minutes, in one step that lets nobody else do anything.
MOST_COLOURED: Final = 200_000
LONGEST_LINE: Final = 1_000
MOST_NUMBERED: Final = 10_000
# What a hostile text can make a lexer waste: the rest of it stays plain.
PATIENCE_SECONDS: Final = 1.0
_CLASSES: Final = {
    Comment: "comment",
    Comment.Preproc: "extra",
    Keyword: "word",
    Operator.Word: "word",
    Literal.String: "string",
    Literal.Number: "number",
    Literal.Date: "number",
    Name.Function: "name",
    Name.Class: "name",
    Name.Namespace: "name",
    Name.Builtin: "name",
    Name.Tag: "tag",
    Name.Exception: "tag",
    Name.Attribute: "extra",
    Name.Decorator: "extra",
    Name.Constant: "extra",
    Generic.Heading: "name",
    Generic.Subheading: "name",
    Generic.Deleted: "tag",
    Generic.Inserted: "string",
}
# Control characters, and formats that are not seen but change how the text around them looks.
_HIDDEN: Final = re.compile(
    "[\x01-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Piece = tuple[str, str]


@dataclass(frozen=True)
class Code:
    """HTML of a text. Not a string, so that the templates put it in as it is."""

    html: str

    def __html__(self) -> str:
        """The HTML."""
        return self.html


def count_lines(content: str) -> int:
    """How many lines a text has; a line break at its end begins no other one."""
    return _as_shown(content).removesuffix("\n").count("\n") + 1


def highlight(content: str, language: str, clock: Callable[[], float] = monotonic) -> Code:
    """A text in its language's colours, line by line, each with a line break after it, the last one too.

    Characters that are not seen are shown by their numbers, in an isolated place where they turn nothing around.
    """
    text = _as_shown(content)
    # Some lexers know a line by the break at its end.
    text = text if text.endswith("\n") else f"{text}\n"
    if count_lines(text) > MOST_NUMBERED:
        return Code(_escape(text))
    pieces = _read(text, language, clock) if language != PLAIN and _is_harmless(text) else [("", text)]
    return Code(_number(pieces))


def _is_harmless(text: str) -> bool:
    return len(text) <= MOST_COLOURED and max(map(len, text.split("\n"))) <= LONGEST_LINE


def _as_shown(content: str) -> str:
    # As browsers read line breaks.
    return content.replace("\r\n", "\n").replace("\r", "\n")


def _read(text: str, language: str, clock: Callable[[], float]) -> Iterator[Piece]:
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    # A mark at the beginning is dropped by Pygments, and shown here.
    if text.startswith("\ufeff"):
        yield "", "\ufeff"
    rest, read, end = text.removeprefix("\ufeff"), 0, clock() + PATIENCE_SECONDS
    for kind, part in lexer.get_tokens(rest):
        yield _class_of(kind), part
        read += len(part)
        if clock() > end:
            yield "", rest[read:]
            return


def _class_of(kind: _TokenType) -> str:
    while kind not in _CLASSES and kind.parent is not None:
        kind = kind.parent
    return _CLASSES.get(kind, "")


def _number(pieces: Iterable[Piece]) -> str:
    lines: list[list[str]] = [[]]
    for name, group in groupby(pieces, key=itemgetter(0)):
        first, *others = "".join(text for _, text in group).split("\n")
        lines[-1].append(_span(name, first))
        lines.extend([_span(name, other)] for other in others)
    return "".join(_line(number, "".join(parts)) for number, parts in enumerate(lines[:-1], 1))


def _line(number: int, html: str) -> str:
    # The break at its end lets an empty line be copied, too.
    return (
        f'<span class="line" id="L{number}"><a href="#L{number}" tabindex="-1" aria-label="Line {number}"></a>'
        f"{html}<br></span>\n"
    )


def _span(name: str, text: str) -> str:
    html = _escape(text)
    return f'<span class="{name}">{html}</span>' if name and html else html


def _escape(text: str) -> str:
    return _HIDDEN.sub(_mark, str(escape(text)))


def _mark(found: re.Match[str]) -> str:
    character = found[0]
    held = f"&#{ord(character)};" if _TURNING.match(character) else character
    return f'<bdi class="mark" data-mark="U+{ord(character):04X}">{held}</bdi>'
