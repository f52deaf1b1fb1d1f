"""Which addresses are on the public Internet: an explicit list, the same on every Python."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

# "This" network, private, shared (carrier NAT), loopback, link-local with clouds' metadata, protocol assignments,
# documentation, 6to4 relays, benchmarks, multicast, reserved with broadcast.
NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
# All that is given out at all; the rest is loopback, local, multicast or nothing.
GLOBAL_6 = IPv6Network("2000::/3")
# In it: protocol assignments with Teredo, documentation (twice), 6to4. What a tunnel leads to cannot be judged.
NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
# The last 32 bits are the IPv4 address that is really reached.
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address in text form is one of the public Internet; what is no address is not."""
    try:
        return _is_public_6(IPv6Address(address)) if ":" in address else _is_public_4(IPv4Address(address))
    except AddressValueError:
        return False


def _is_public_4(address: IPv4Address) -> bool:
    return not any(address in network for network in NOT_PUBLIC_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return _is_public_4(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public_4(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GLOBAL_6 and not any(address in network for network in NOT_PUBLIC_6)
