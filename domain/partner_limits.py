"""What a partner may send, by tier: sizes and rates where its row sets none."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.admin_api import DELIVERIES_PER_S_MAX
from schemas.webhook import WEBHOOK_BYTES_MAX

__all__ = ["DELIVERIES_PER_S_MAX", "LIMITS_OF_TIERS", "PartnerLimits", "limits_of"]


class PartnerLimits(NamedTuple):
    """Largest body of one webhook, bytes, and deliveries per second."""

    body_bytes: int
    deliveries_per_s: int


LIMITS_OF_TIERS: Mapping[str, PartnerLimits] = {
    "free": PartnerLimits(64 * 1024, 10),
    "pro": PartnerLimits(WEBHOOK_BYTES_MAX, 50),
    "enterprise": PartnerLimits(WEBHOOK_BYTES_MAX, 200),
}


def limits_of(tier: str, body_bytes: int | None, deliveries_per_s: int | None) -> PartnerLimits:
    """Return the limits that hold: as set, else the tier's.

    >>> limits_of("free", None, 25)
    PartnerLimits(body_bytes=65536, deliveries_per_s=25)

    Raises:
        KeyError: there is no such tier.
    """
    default = LIMITS_OF_TIERS[tier]
    return PartnerLimits(
        default.body_bytes if body_bytes is None else body_bytes,
        default.deliveries_per_s if deliveries_per_s is None else deliveries_per_s,
    )
