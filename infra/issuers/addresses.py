"""Which addresses may be connected to on behalf of somebody's configuration (SSRF).

``ipaddress.is_global`` of Python 3.11 lets multicast, 6to4, NAT64 and others through, so the ranges
are listed here, from the IANA special-purpose registries (RFC 6890). IPv6 is public only inside
2000::/3, and there not where it embeds an IPv4 address or is for documentation.
"""

import ipaddress

PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip


def is_public(text: str) -> bool:
    """Whether ``text`` is an address of the public internet; False for what is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and address not in PUBLIC_6:
        return False
    return not any(
        address in network for network in SPECIAL if network.version == address.version
    )  # fmt: skip


def is_loopback(text: str) -> bool:
    """Whether ``text`` is an address of this machine."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
