"""Limits of signed deliveries: the signature covers the body, so it is known only after reading it.

Nobody may use up what is a partner's. So the partner is charged for verified deliveries alone. What
comes before is charged to the address: every delivery whose body is to be read, by a wide quota,
and every one that turned out not to be signed, by the narrow one of strangers. An address that has
used up the narrow one is refused before its body is read, as is every delivery of a partner that
has used up its own.
"""

from starlette.requests import Request

from api.limits.counting import address_of, count, limiter_of, require_left
from api.limits.quotas import Quota
from api.services import services_of
from infra.postgres.partners import Partner


async def before_signature(request: Request) -> None:
    """Count a delivery by its address, before its body is read.

    Raises:
        ProblemError: 429, the address or the partner has used up its quota.
    """
    quotas = limiter_of(request).quotas
    address = address_of(request)
    require_left(request, quotas.anonymous, f"unsigned:{address}")
    name = request.path_params["partner"]
    [known] = services_of(request).partner_cache.get(name) or (None,)
    if known is not None:
        require_left(request, quota_of_partner(request, known), f"partner:{name}")
    await count(request, quotas.unverified, f"deliveries:{address}")


async def count_unsigned(request: Request) -> None:
    """Count a delivery that is nobody's; 429 when its address sent too many."""
    anonymous = limiter_of(request).quotas.anonymous
    await count(request, anonymous, f"unsigned:{address_of(request)}")


async def count_verified(request: Request, partner: Partner) -> None:
    """Count a delivery that is the partner's; 429 when it sent too many."""
    await count(request, quota_of_partner(request, partner), f"partner:{partner.partner}")


def quota_of_partner(request: Request, partner: Partner) -> Quota:
    """Return how much a partner may send: as its row says, else as its tier."""
    return limiter_of(request).quotas.of_partner(partner.limits.deliveries_per_s)
