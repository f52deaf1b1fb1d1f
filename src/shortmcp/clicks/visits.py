"""A visit as one line of the click journal."""

from typing import Any, NamedTuple, cast

import orjson

# What is left of address, user agent, referrer, language and query where they do not fit into a line of 2 KB. Queries
# get the most: a campaign's values may stand behind the click ids that advertisers add. JSON may make six characters
# of one: what is left at last fits even so.
LONGEST = (64, 300, 300, 100, 1000)
SHORTEST = (40, 40, 40, 40, 40)
MAX_PAYLOAD = 2000
_KINDS = [int, int, str, str, str, str, str, bool]


class Visit(NamedTuple):
    """What a visitor sent; `at` is in unix milliseconds UTC, `query` is the short URL's, without `?`.

    `prefetch` tells that Sec-Purpose, Purpose or X-Moz said so: a browser fetched ahead of any click.
    """

    link_id: int
    at: int
    address: str
    user_agent: str
    referrer: str
    accept_language: str
    query: str
    prefetch: bool


def encode_visit(  # noqa: PLR0913, PLR0917 - called once a redirect: a Visit would be made only to be taken apart
    link_id: int,
    at: int,
    address: str,
    user_agent: str,
    referrer: str,
    accept_language: str,
    query: str,
    prefetch: bool,
) -> bytes:
    """The journal's payload for a visit, at most 2,000 bytes long."""
    payload = orjson.dumps((link_id, at, address, user_agent, referrer, accept_language, query, prefetch))
    if len(payload) <= MAX_PAYLOAD:
        return payload
    texts = (address, user_agent, referrer, accept_language, query)
    for longest in (LONGEST, SHORTEST):
        cut = (text[:length] for text, length in zip(texts, longest, strict=True))
        payload = orjson.dumps((link_id, at, *cut, prefetch))
        if len(payload) <= MAX_PAYLOAD:
            break
    return payload


def decode_visit(payload: bytes) -> Visit:
    """The visit that `encode_visit` wrote; ValueError for anything else."""
    fields: Any = orjson.loads(payload)
    if not isinstance(fields, list) or list(map(type, cast("list[Any]", fields))) != _KINDS:
        raise ValueError("The payload holds no visit.")
    visit = Visit._make(cast("list[Any]", fields))
    if not (0 < visit.link_id < 1 << 31 and 0 <= visit.at < 1 << 47):
        # No database has a column for it: it would be tried again and again, and nothing behind it be read.
        raise ValueError("The payload holds no visit.")
    return visit
