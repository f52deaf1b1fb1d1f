"""Where a link may lead: a destination is checked as it was typed, then stored as a browser would read it."""

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from ada_url import URL

from shortmcp.core.errors import invalid

MAX_DESTINATION_LENGTH: Final = 2048

_DEFAULT_PORTS: Final = {"http:": 80, "https:": 443}
_LOOPBACK: Final = "localhost"

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
# Unassigned code points of this block are drawn as nothing, as its assigned ones (category Cf) are.
_TAG_BLOCK: Final = range(0xE0000, 0xE0080)

_WEB: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE | re.ASCII)
_MAIL: Final = re.compile(r"mailto:[^/?#@,]+@[^/?#@,]+(,[^/?#@,]+@[^/?#@,]+)*([?#].*)?", re.IGNORECASE | re.ASCII)
# No `*` and no `#`: with them a phone runs a service code instead of calling.
_PHONE: Final = re.compile(r"tel:[+\-.()]*[0-9][0-9+\-.()]*(;[a-z0-9-]+(=[a-z0-9+\-.()]+)?)*", re.IGNORECASE | re.ASCII)
# Mail programs decode these before they write a message's header.
_ENCODED_BREAK: Final = re.compile("%0[0ad]", re.IGNORECASE)
# What a browser leaves as it is after `mailto:`, although RFC 6068 wants it encoded.
_MAIL_ESCAPES: Final = str.maketrans({" ": "%20", '"': "%22", "<": "%3C", ">": "%3E"})


def normalize_destination(field: str, raw: str, own_origins: frozenset[tuple[str, int]]) -> str:
    """The destination as it is stored and sent in `Location`: ASCII, at most 2048 characters, stable when repeated.

    `own_origins` are the (host, port) pairs under which this server answers, as `read_origin` returns them. A
    destination there would lead in a circle; of a loopback host only the same port is the server's own.
    """
    _check_characters(field, raw)
    match raw.partition(":")[0].lower():
        case "http" | "https":
            destination = _normalize_web(field, raw, own_origins)
        case "mailto":
            destination = _normalize_mail(field, raw)
        case "tel":
            destination = _normalize_phone(field, raw)
        case _:
            raise invalid(field, f"`{field}` must begin with https://, http://, mailto: or tel:.")
    _check_length(field, destination)
    return destination


def read_origin(url: str) -> tuple[str, int]:
    """Host and port of an http(s) URL; ValueError where it has none.

    The host is punycode without a final dot, and one name stands for all spellings of the loopback.
    """
    parsed = URL(url)
    if parsed.protocol not in _DEFAULT_PORTS:
        raise ValueError("An origin is read from an http or https URL.")
    return _origin(parsed)


def _check_characters(field: str, raw: str) -> None:
    # On the text as it came: a URL parser drops tabs and line breaks, and reads `\` as `/`.
    _check_length(field, raw)
    if raw != raw.strip():
        raise invalid(field, f"`{field}` begins or ends with white space; remove it.")
    if not raw.isprintable() and any(map(_is_hidden, raw)):
        raise invalid(field, f"`{field}` holds a control, invisible or spacing character; remove or percent-encode it.")
    if "\\" in raw:
        raise invalid(field, f"`{field}` holds a backslash; write / or %5C in its place.")


def _check_length(field: str, text: str) -> None:
    if len(text) > MAX_DESTINATION_LENGTH:
        raise invalid(
            field,
            f"`{field}` may have at most {MAX_DESTINATION_LENGTH} characters once it is percent-encoded; shorten it.",
        )


def _is_hidden(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character) in _HIDDEN_CATEGORIES or ord(character) in _TAG_BLOCK


def _normalize_web(field: str, raw: str, own_origins: frozenset[tuple[str, int]]) -> str:
    start = _WEB.match(raw)
    if start is None or not start[1].strip("."):
        raise invalid(field, f"`{field}` must name a host after https:// or http://, as in https://example.com/page.")
    if "@" in start[1]:
        raise invalid(field, f"`{field}` holds a user name or password before its host; remove it and the @.")
    url = _parse(field, raw)
    if "" in url.hostname.removesuffix(".").split("."):
        raise invalid(field, f"`{field}` has an empty part in its host name; put one dot where several are.")
    if _is_own(_origin(url), own_origins):
        raise invalid(field, f"`{field}` leads back to this short link server; give the page to be opened in the end.")
    return url.href


def _normalize_mail(field: str, raw: str) -> str:
    if _MAIL.fullmatch(raw) is None:
        raise invalid(field, f"`{field}` must name an address after mailto:, as in mailto:name@example.com.")
    if _ENCODED_BREAK.search(raw):
        raise invalid(field, f"`{field}` holds an encoded line break or NUL; remove every %0D, %0A and %00.")
    return _parse(field, raw.translate(_MAIL_ESCAPES)).href


def _normalize_phone(field: str, raw: str) -> str:
    if _PHONE.fullmatch(raw) is None:
        raise invalid(field, f"`{field}` must name a number after tel: without spaces, as in tel:+49-30-123456.")
    return _parse(field, raw).href


def _parse(field: str, raw: str) -> URL:
    try:
        return URL(raw)
    except ValueError:
        raise invalid(field, f"`{field}` is not a URL that a browser can open; check its host and port.") from None


def _origin(url: URL) -> tuple[str, int]:
    return _canonical_host(url.hostname), int(url.port or _DEFAULT_PORTS[url.protocol])


def _canonical_host(host: str) -> str:
    name = host.rstrip(".")
    if name == _LOOPBACK or name.endswith(f".{_LOOPBACK}"):
        return _LOOPBACK
    address = _read_address(name)
    if address is None:
        return name
    return _LOOPBACK if address.is_loopback or address.is_unspecified else str(address)


def _read_address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        if not name.startswith("["):
            return IPv4Address(name)
        address = IPv6Address(name.strip("[]"))
    except AddressValueError:
        return None
    return address.ipv4_mapped or address


def _is_own(origin: tuple[str, int], own_origins: frozenset[tuple[str, int]]) -> bool:
    host, port = origin
    own_ports = {own_port for own_host, own_port in own_origins if _canonical_host(own_host) == host}
    # Another port of a loopback is another program, mostly one that somebody is testing with.
    return port in own_ports if host == _LOOPBACK else bool(own_ports)
