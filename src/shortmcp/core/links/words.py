"""What a search looks through: a link's address, code and title as one text in which case makes no difference.

Folded here and not by the databases, whose ideas of upper and lower case differ from one another and by locale.
"""

import unicodedata


def make_words(original_url: str, short_code: str, title: str) -> str:
    """The text that is kept with a link. No search crosses its lines, for none holds a line break.

    The two breaks at the end make every character the first one of three, which is how SQLite's index keeps them.
    """
    return fold(f"{original_url}\n{short_code}\n{title}\n\n")


def fold(text: str) -> str:
    """`text` as it is kept and sought: of one case, and of one spelling where Unicode knows several."""
    return unicodedata.normalize("NFC", text.casefold())
