"""Lower-case words joined by dashes: the form of project slugs and of short codes."""

import re
import unicodedata

_GAPS = re.compile(r"[\s_-]+")
_FORBIDDEN = re.compile(r"[^a-z0-9-]+")


def normalize_words(text: str) -> str:
    """`text` in lower case with its gaps (spaces, underscores, dashes) made single dashes; other signs stay."""
    return _GAPS.sub("-", text.strip().lower()).strip("-")


def slugify(text: str) -> str:
    """`text` as a slug of [a-z0-9-]; accents are dropped, other signs are left out; may come out empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _GAPS.sub("-", _FORBIDDEN.sub("", normalize_words(plain))).strip("-")
