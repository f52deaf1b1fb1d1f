"""The GET of a short URL as browsers send it, whole and alone in one piece, read by one pattern in a microsecond."""

import re

Visit = tuple[str, ...]


def _any_case(words: str) -> str:
    # Sets of characters, and not a flag: the pattern tries a branch only where its first character fits.
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in words)


# Nothing here ever goes back a step: what is not the usual request is known for it as quickly.
_TEXT = r"[!-~][ -~]*+(?<![ ])"
# Whatever has a meaning for the connection or for what is counted, and is not read by name.
_SPECIAL = "|".join(
    _any_case(name)
    for name in (
        *("host", "connection", "proxy-connection", "content-length", "transfer-encoding", "expect", "upgrade"),
        *("purpose", "sec-purpose", "x-moz", "x-purpose", "x-forwarded-for", "user-agent", "referer"),
        "accept-language",
    )
)
# A second Host (the third group) or X-Forwarded-For (the seventh) fits nowhere.
_USUAL = re.compile(
    rf"""
    GET[ ]/ (?P<name>[a-z0-9-]++) (?:\?(?P<query>[!$-~]*+))? [ ]HTTP/1\.1\r\n
    (?:
        (?: [Hh]ost:[ ] (?(3)(?!)) (?P<host>{_TEXT})
          | [Uu]ser-[Aa]gent:[ ] (?P<agent>{_TEXT})
          | [Rr]eferer:[ ] (?P<referrer>{_TEXT})
          | [Aa]ccept-[Ll]anguage:[ ] (?P<language>{_TEXT})
          | [Cc]onnection:[ ][Kk]eep-[Aa]live
          | [Xx]-[Ff]orwarded-[Ff]or:[ ] (?(7)(?!)) (?P<forwarded>{_TEXT})
          | (?!(?:{_SPECIAL}):) [A-Za-z0-9-]++:[ ] {_TEXT}
        ) \r\n
    )*+
    \r\n
    """,
    re.VERBOSE,
)


def read_usual_get(received: bytes) -> Visit | None:
    """Name, query, host, user agent, referrer, language and X-Forwarded-For of a usual GET, "" for what was not sent.

    None for everything else: what it takes to answer that is the parser's to say. Of headers that came twice the last
    one is read, as in all that we do; a second Host or X-Forwarded-For is not usual.
    """
    found = _USUAL.fullmatch(received.decode("latin-1"))
    return None if found is None else found.groups("")
