"""The country of an address, from a MaxMind DB file."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import cast

import maxminddb

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
        public = _read_address(address)
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


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, if the wide internet routes it: the data list documentation and private ranges under countries."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address if address.is_global else None


def _look_up(reader: maxminddb.Reader, address: IPv4Address | IPv6Address) -> object:
    try:
        return reader.get(address)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    except (ValueError, maxminddb.InvalidDatabaseError):
        # An IPv6 address in a file of IPv4 alone, or a damaged branch: unknown, but no reason to stop counting.
        return None
