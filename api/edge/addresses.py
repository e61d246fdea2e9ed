"""Whose address a request comes from: the peer, or what a trusted proxy says of it.

``X-Forwarded-For`` is text that anybody may send. It is read only when the peer is a trusted proxy,
from the right: every hop that is a trusted proxy itself is skipped, the first that is not is the
caller. An IPv6 caller is its /64: a subscriber has at least that, and addresses without number in
it.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from infra.settings import Settings, SettingsError

UNKNOWN = "unknown"
HOPS_MAX = 16
ADDRESS_LENGTH_MAX = 64
IPV6_PREFIX = 64
VARIABLE = "MEDIA_GATEWAY_TRUSTED_PROXIES"

Networks = tuple[IPv4Network | IPv6Network, ...]
Address = IPv4Address | IPv6Address


def parse_networks(text: str) -> Networks:
    """Return the networks of a comma-separated list of CIDRs.

    Raises:
        SettingsError: one is no network, or is every address: then anybody could name any caller.
    """
    networks = []
    for part in text.split(","):
        if not part.strip():
            continue
        try:
            network = ip_network(part.strip())
        except ValueError:
            raise SettingsError(
                f"{VARIABLE}: {part.strip()!r} is not a network such as 10.0.0.0/8"
            ) from None
        if network.prefixlen == 0:
            raise SettingsError(f"{VARIABLE}: {network} is every address; name your proxies")
        networks.append(network)
    return tuple(networks)


def trusted_proxies(settings: Settings) -> Networks:
    """Return the networks whose ``X-Forwarded-For`` is believed."""
    return parse_networks(settings.trusted_proxies)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return an address, None for what is none; IPv4 written as IPv6 is IPv4."""
    if len(text) > ADDRESS_LENGTH_MAX:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(address.packed)  # without the scope id
    return address


@lru_cache(maxsize=4096)
def group_of(text: str) -> str:
    """Return what counts as one caller: an IPv4 address, or an IPv6 network of 64 bits.

    >>> group_of("2001:db8::1")
    '2001:db8::/64'
    """
    address = parse_address(text)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, IPV6_PREFIX), strict=False))


def is_trusted(text: str, proxies: Networks) -> bool:
    """Tell whether an address is one of the proxies."""
    address = parse_address(text)
    return address is not None and any(
        network.version == address.version and address in network for network in proxies
    )


def caller_address(peer: str, forwarded: Sequence[str], proxies: Networks) -> str:
    """Return the address that a request comes from.

    Args:
        peer: address of the connection.
        forwarded: values of ``X-Forwarded-For``, in the order of the request.
        proxies: the trusted ones.
    """
    if not proxies or not forwarded or not is_trusted(peer, proxies):
        return peer
    caller = peer
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops[-HOPS_MAX:]):
        if parse_address(hop) is None:
            break  # the last hop that a trusted proxy vouched for counts
        caller = hop
        if not is_trusted(hop, proxies):
            break
    return caller
