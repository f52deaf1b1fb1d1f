"""Texts of pastes as HTML: nothing is lost, nothing becomes markup, and nobody's lexer is waited for."""

import re
from html.parser import HTMLParser
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortmcp.core.pastes.languages import LANGUAGES
from shortmcp.faces.pages.highlighting import MOST_COLOURED, MOST_NUMBERED, count_lines, highlight

SAMPLES = (
    "",
    "\n",
    "\r\n\r\n",
    "a\rb\r\nc\n",
    "  leading and trailing  \n\n\n",
    "\ufeff# with a mark\n\ufeff",
    "# a comment\n\"text\" 'more' 12 0x1f 1.5e3 <b attr='1'>&amp; ${x} `y` /* z */ -- q\nif not end:\n\tx\n",
    "<script>alert(1)</script><style>*{}</style><?php echo '<b>'; ?><!-- x --> ]]>\n",
    "\x01\x1b[31m\x7f\x85\xa0\u2028\u2029\u200b\u202e\u2066\u2069\U000e0041 \U0001f600\u200d\U0001f600 \ud7ff\n",
)
TURNING = "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"


class Reader(HTMLParser):
    """What a browser would find: texts, and elements with their attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.elements: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


OURS = {
    ("span", ("class", "id")),
    ("span", ("class",)),
    ("a", ("href", "tabindex", "aria-label")),
    ("bdi", ("class", "data-mark")),
    ("br", ()),
}


def check(content: str, language: str) -> None:
    html = highlight(content, language).html
    found = read(html)
    shown = re.sub("\r\n?", "\n", content)
    assert found.text == (shown if shown.endswith("\n") else shown + "\n")
    assert found.elements <= OURS
    assert re.findall(TURNING, html) == []
    assert html.count('class="line"') == count_lines(content)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_keeps_every_character_and_makes_no_element_of_any(language: str) -> None:
    for sample in SAMPLES:
        check(sample, language)
    check("".join(SAMPLES), language)


@settings(deadline=None)
@given(content=st.text(), language=st.sampled_from(sorted(LANGUAGES)))
def test_whatever_is_sent_stays_what_it_is(content: str, language: str) -> None:
    check(content.replace("\0", ""), language)


@pytest.mark.parametrize(
    ("language", "content", "expected"),
    [
        ("python", "def f(): return 'a'  # b", {"word": 2, "name": 1, "string": 1, "comment": 1}),
        ("html", "<p id=x>", {"tag": 1, "extra": 1, "string": 1}),
        ("diff", "+one\n-two", {"string": 1, "tag": 1}),
        ("json", '{"a": 1}', {"tag": 1, "number": 1}),
        ("text", "def f(): return 'a'  # b", {}),
    ],
)
def test_words_have_the_colours_of_what_they_are(language: str, content: str, expected: dict[str, int]) -> None:
    html = highlight(content, language).html
    names = re.findall('<span class="([a-z]+)">', html)
    assert {name: names.count(name) for name in names} == expected


def test_hidden_characters_are_named_where_they_stand() -> None:
    html = highlight("a\u202eb\x1b", "text").html
    assert html == (
        '<span class="line" id="L1"><a href="#L1" tabindex="-1" aria-label="Line 1"></a>'
        'a<bdi class="mark" data-mark="U+202E">&#8238;</bdi>b<bdi class="mark" data-mark="U+001B">\x1b</bdi>'
        "<br></span>\n"
    )


def test_a_long_text_stays_plain_and_one_of_very_many_lines_is_not_numbered() -> None:
    line = "return 1\n"
    coloured = highlight(line * 100, "python").html
    longest = f"return {'1' * 92}\n" * (MOST_COLOURED // 100 + 1)
    plain = highlight(longest, "python").html
    many = highlight(line * (MOST_NUMBERED + 1), "python").html
    assert (coloured.count('"word"'), plain.count('"word"'), many.count("<")) == (100, 0, 0)
    assert plain.count('class="line"') == count_lines(longest)
    assert many == line * (MOST_NUMBERED + 1)


def test_a_line_that_a_lexer_would_try_for_minutes_is_not_given_to_one() -> None:
    # Two seconds for this, four minutes for ten times as much, in one match of one expression.
    html = highlight("[section]\n" + "a=" * 10_000, "ini").html
    assert read(highlight("[section]\na = 1", "ini").html).elements & {("span", ("class",))}
    assert html.count("<span") == html.count('class="line"') == 2


def test_a_lexer_that_takes_too_long_is_left_and_the_rest_is_shown_plain() -> None:
    ticks = count()
    content = "return 1\n" * 1000
    html = highlight(content, "python", clock=lambda: next(ticks) / 100).html
    assert 0 < html.count('"word"') < 100
    assert read(html).text == content
