"""Whether a host is this machine: what goes there is seen by nobody on the way."""

from infra.issuers.addresses import is_loopback


def is_this_machine(host: str) -> bool:
    """Whether a name or an address is this machine by itself; names are not looked up."""
    return host.lower() == "localhost" or is_loopback(host)
