"""Strangers' text, made fit to be stored and shown."""

import re
from unicodedata import category

UNVERIFIED = "unverified"
LONGEST = 100

# Controls, format characters (bidi, zero-width, tags), surrogates, private and unassigned ones, line separators:
# PostgreSQL refuses some of them, the others hide text from people that a language model reads.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Letters, marks and symbols by category, yet drawn as nothing: fillers, blank Braille and variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def clean(text: str) -> str:
    """The text without any character that cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character in text if _is_visible(character))


def slug(text: str, *, longest: int = 30) -> str:
    """Lower-case words of `[a-z0-9]` joined by hyphens; empty if there are none."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].strip("-")


def _is_visible(character: str) -> bool:
    return category(character) not in _HIDDEN_CATEGORIES and not _INVISIBLE.match(character)
