"""Who may call, and whether so often: both are decided before the body of a request is read.

An authenticated caller is counted by its subject and tier. Who is not is counted by address, and
only failures are, so that a caller with good credentials has nothing to fear from a neighbour.

A key that may issue tokens can name any number of users, so what all of them call together has a
wider quota of the key's own. It is counted last: what one user may not do costs the others nothing.
"""

from starlette.requests import Request

from api.identity.access import Access, CallerKind
from api.identity.principal import PRINCIPAL, Principal, admit
from api.limits.counting import address_of, count, count_besides, limiter_of
from api.limits.deliveries import before_signature
from api.limits.limit import Limit
from api.limits.quotas import quota_of
from api.problems import ProblemError


async def admit_within(request: Request, access: Access, limit: Limit) -> None:
    """Let the request on to its handler.

    Raises:
        ProblemError: 401 and 403 as of ``admit``; 429 when the caller's quota is used up.
    """
    for window in limit.per_address:
        await count(request, quota_of(window.name, window), f"address:{address_of(request)}")
    if not limit.per_caller:
        await admit(request, access)
        return
    if access.caller is CallerKind.SIGNING_PARTNER:
        await before_signature(request)
        return
    try:
        await admit(request, access)
    except ProblemError:
        await count_caller(request)
        raise
    await count_caller(request)


async def count_caller(request: Request) -> None:
    """Count the principal, or the address of a caller that is not known."""
    quotas = limiter_of(request).quotas
    principal: Principal | None = request.scope.get(PRINCIPAL)
    if principal is not None:
        await count(request, quotas.of_tier(principal.tier), f"subject:{principal.subject}")
        if principal.issued_by is not None:
            users = quotas.of_users(principal.tier)
            await count_besides(request, users, f"users-of:{principal.issued_by}")
    else:
        await count(request, quotas.anonymous, f"address:{address_of(request)}")
