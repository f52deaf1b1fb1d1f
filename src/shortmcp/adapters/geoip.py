"""The country of an address, from a MaxMind DB file."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import cast

import maxminddb

from shortmcp.core.public_addresses import GLOBAL_6, NOT_PUBLIC_4, NOT_PUBLIC_6

_SHIPPED = Path(__file__).parent / "data" / "geo-whois-asn-country.mmdb"
_COUNTRY_CODE = re.compile("[A-Z]{2}")


def open_countries(path: Path | None = None) -> Callable[[str], str | None]:
    """Open a MaxMind DB file, or the one shipped with the package, and return a look-up of ISO 3166 alpha-2 codes.

    The look-up answers None for whatever is no public address or is not listed; it never raises and may be called
    from any number of threads. The file is mapped into memory, so that all worker processes share its pages: replace
    it by renaming a new one over it, never in place. Raises ValueError if it cannot be read as a MaxMind DB.
    """
    file = path or _SHIPPED
    try:
        # The default mode maps the file through the C extension: 1 us a look-up against 20 in pure Python.
        reader = maxminddb.open_database(file)  # pyright: ignore[reportUnknownMemberType]
    except (OSError, maxminddb.InvalidDatabaseError, ValueError) as error:
        raise ValueError(f"{file} cannot be read as a MaxMind DB file (.mmdb) of countries.") from error

    def country_of(address: str) -> str | None:
        public = find_public(address)
        return country_in(_look_up(reader, public)) if public else None

    return country_of


def country_in(record: object) -> str | None:
    """The country code in a record of any of the common schemas: MaxMind and DB-IP, IPinfo, ip-location-db."""
    fields = _read_fields(record)
    country = fields.get("country")
    code = fields.get("country_code") or _read_fields(country).get("iso_code") or country
    return code if isinstance(code, str) and _COUNTRY_CODE.fullmatch(code) else None


def _read_fields(record: object) -> dict[str, object]:
    return cast("dict[str, object]", record) if isinstance(record, dict) else {}


def find_public(text: str) -> str | None:
    """The address, if the wide internet routes it: the data list documentation and private ranges under countries.

    Asked of every click: `ipaddress` would take more time than everything else that is read of a visit.
    """
    try:
        packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        return None
    if packed.startswith(_MAPPED):
        packed = packed[len(_MAPPED) :]
        text = inet_ntop(AF_INET, packed)
    # An odd number of bounds before it: within one of the ranges that are not public.
    return None if bisect_right(_BOUNDS[len(packed)], packed) % 2 else text


def _look_up(reader: maxminddb.Reader, address: str) -> object:
    try:
        return reader.get(address)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    except (ValueError, maxminddb.InvalidDatabaseError):
        # An IPv6 address in a file of IPv4 alone, or a damaged branch: unknown, but no reason to stop counting.
        return None


def _bounds(networks: Iterable[IPv4Network | IPv6Network], size: int) -> list[bytes]:
    """First address of each range, and the first one after it, in order; none after the last address of all.

    No range lies within another.
    """
    ranges = sorted((int(one.network_address), int(one.broadcast_address) + 1) for one in networks)
    return [end.to_bytes(size) for pair in ranges for end in pair if end < 1 << 8 * size]


_MAPPED = bytes(10) + b"\xff\xff"
# By the length of an address in bytes.
_BOUNDS = {
    4: _bounds(NOT_PUBLIC_4, 4),
    16: _bounds([*IPv6Network("::/0").address_exclude(GLOBAL_6), *NOT_PUBLIC_6], 16),
}
