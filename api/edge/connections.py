"""How many connections one process has, in all and by address."""

from collections import Counter

from api.edge.addresses import group_of, is_trusted
from api.edge.bounds import Bounds


class Connections:
    """Counts connections; a proxy is one address for all callers, so it has no limit of its own."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._by_address: Counter[str] = Counter()
        self.total = 0

    def admit(self, address: str) -> str | None:
        """Count one connection; return None, or the bound that it would break: not counted then."""
        if self.total >= self._bounds.connections_max:
            return "connections"
        group = group_of(address)
        if self._by_address[group] >= self._bounds.connections_per_address_max and not is_trusted(
            address, self._bounds.trusted_proxies
        ):
            return "connections_of_address"
        self._by_address[group] += 1
        self.total += 1
        return None

    def release(self, address: str) -> None:
        """Forget one connection that was admitted."""
        group = group_of(address)
        self._by_address[group] -= 1
        if not self._by_address[group]:
            del self._by_address[group]
        self.total -= 1
