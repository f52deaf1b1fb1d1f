"""Who a visitor is behind proxies: the address that counts."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Headers = list[tuple[bytes, bytes]]
Found = Mapping[bytes, bytes]
Client = tuple[str, int] | None


def read_address(client: Client, headers: Headers, trusted: tuple[Network, ...]) -> str:
    """The visitor's address: the connection's, or what trusted proxies say of theirs."""
    peer = client[0] if client else ""
    if not trusted:
        return peer
    forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    return client_address(peer, forwarded.decode("latin-1"), trusted)


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """The address nearest to the visitor that a trusted proxy vouches for, from `X-Forwarded-For` read backwards."""
    address = peer
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_trusted(address, trusted):
            return address
        address = _without_port(hop)
    return address


def _without_port(hop: str) -> str:
    # Some gateways write 198.51.100.7:51234 and [2001:db8::7]:51234.
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=4096)
def _is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        # What an IPv4 proxy looks like on a socket that takes both.
        parsed = parsed.ipv4_mapped or parsed
    return any(parsed in network for network in trusted)
