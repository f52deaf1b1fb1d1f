"""Handing a visitor's query on to the destination: it may add to the destination's, never replace."""

from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit

MAX_FORWARDED = 2048
# What may stand in a query as it is (RFC 3986, 3.4), and what is encoded already.
_SAFE = "!$'()*,-./:;=?@_~%+"


def add_query(destination: bytes, query: bytes) -> bytes:
    """`destination` with those parameters of `query` whose names it does not have; ASCII without white space."""
    if not query or len(query) > MAX_FORWARDED or not destination.startswith((b"https:", b"http:")):
        return destination
    parts = urlsplit(destination.decode("ascii"))
    taken = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    given = [pair for pair in query.decode("latin-1").split("&") if pair]
    added = [quote(pair, safe=_SAFE, encoding="latin-1") for pair in given if _name(pair) not in taken]
    return parts._replace(query="&".join([*filter(None, [parts.query]), *added])).geturl().encode("ascii")


def _name(pair: str) -> str:
    # As the destination will read it: a name must not pass for another one by being encoded.
    return unquote_plus(pair.partition("=")[0].encode("latin-1").decode("utf-8", "replace"))
