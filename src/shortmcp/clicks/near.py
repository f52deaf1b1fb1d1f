"""Codes that differ from a mistyped one by a single slip, of links that their owners show to everybody."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from string import ascii_lowercase, digits

from sqlalchemy import Connection, bindparam, text

Transaction = Callable[[], AbstractContextManager[Connection]]
SHORTEST = 4
LONGEST = 24
MOST = 3
_SIGNS = ascii_lowercase + digits + "-"
_SHOWN = text(
    "SELECT short_code FROM links WHERE domain = :domain AND short_code IN :codes AND analytics_public AND is_active "
    "AND password_hash IS NULL AND blocked_at IS NULL ORDER BY short_code LIMIT :most"
).bindparams(bindparam("codes", expanding=True))


def find_near(read: Transaction, domain: str, code: str) -> list[str]:
    """At most three codes of links with public statistics that `code` may be a slip of; none for very short codes."""
    if not SHORTEST <= len(code) <= LONGEST:
        return []
    with read() as connection:
        values = {"domain": domain, "codes": sorted(set(_slips(code)) - {code}), "most": MOST}
        return list(connection.execute(_SHOWN, values).scalars())


def _slips(code: str) -> Iterator[str]:
    for place in range(len(code) + 1):
        before, after = code[:place], code[place:]
        yield from (before + sign + after for sign in _SIGNS)
        if after:
            yield before + after[1:]
            yield from (before + sign + after[1:] for sign in _SIGNS)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
