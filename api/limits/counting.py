"""Counts the caller of a request, and says in the answer what is left; a 429 when nothing is.

Names of headers and their syntax: draft-ietf-httpapi-ratelimit-headers-10.
"""

import logging
import math
from functools import lru_cache
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import Scope

from api.edge.addresses import caller_address, group_of, is_trusted
from api.limits.limiter import Limiter, Outcome
from api.limits.quotas import Quota
from api.problems import QUOTA_EXCEEDED, ProblemError
from api.services import services_of
from infra import metrics

log = logging.getLogger(__name__)

COUNTED = "media_gateway.counted"


def limiter_of(request: Request) -> Limiter:
    """Return the limiter of the application that got ``request``."""
    return services_of(request).limiter


def address_of(request: Request) -> str:
    """Return what counts as the caller's address (see ``api.edge.addresses``)."""
    return group_of(exact_address_of(request))


def exact_address_of(request: Request) -> str:
    """Return the caller's address, for records of who did something."""
    client = request.scope.get("client")
    peer = client[0] if client else ""
    named = request.scope["headers"]
    forwarded = [value.decode("latin-1") for name, value in named if name == b"x-forwarded-for"]
    proxies = limiter_of(request).proxies
    if forwarded and not is_trusted(peer, proxies):
        hint_at_proxies()
    return caller_address(peer, forwarded, proxies)


@lru_cache(maxsize=1)
def hint_at_proxies() -> None:
    """Say once what an operator who put a proxy in front may have forgotten."""
    log.warning(
        "X-Forwarded-For of a peer that is no trusted proxy is ignored: callers behind it share "
        "one limit; if it is yours, name it in MEDIA_GATEWAY_TRUSTED_PROXIES"
    )


class Counted(NamedTuple):
    """By what a request was counted last, and the window that refused it."""

    limiter: Limiter
    quota: Quota
    key: str
    refused: Outcome | None = None


async def count(request: Request, quota: Quota, key: str) -> None:
    """Count one call.

    Raises:
        ProblemError: 429, the quota is used up.
    """
    limiter = limiter_of(request)
    conclude(request, Counted(limiter, quota, key, await limiter.take(quota.windows, key)))


async def count_besides(request: Request, quota: Quota, key: str) -> None:
    """Count one call of a quota of which an answer says nothing unless it is used up.

    Raises:
        ProblemError: 429, the quota is used up.
    """
    limiter = limiter_of(request)
    refused = await limiter.take(quota.windows, key)
    if refused is not None:
        conclude(request, Counted(limiter, quota, key, refused))


def require_left(request: Request, quota: Quota, key: str) -> None:
    """Refuse a call of which this process knows that its quota is used up; counts nothing."""
    limiter = limiter_of(request)
    refused = limiter.used_up(quota.windows, key)
    if refused is not None:
        conclude(request, Counted(limiter, quota, key, refused))


def require_no_guessing(request: Request, name: str) -> None:
    """Refuse credentials that cost a statement, from an address that failed too often.

    ``name`` is what the statement looks for; what it found lately is always looked for.

    Raises:
        ProblemError: 429.
    """
    services = services_of(request)
    if services.familiar.get_stale(name, 0.0) is None:
        require_left(request, services.limiter.quotas.anonymous, f"address:{address_of(request)}")


def conclude(request: Request, counted: Counted) -> None:
    """Note by what the call was counted, for the answer's headers; raise when it was refused."""
    request.scope[COUNTED] = counted
    if counted.refused is None:
        return
    window, last = counted.refused
    metrics.API_RATE_LIMITED.labels(counted.quota.label).inc()
    raise ProblemError(
        QUOTA_EXCEEDED,
        f"more than {window.quota} calls in {window.seconds} s",
        headers={"Retry-After": str(whole_seconds(last.reset_s))},
        errors=[{"violated_policy": window.name}],
    )


def limit_headers(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    """Return what an answer says of the quota that its request was counted by last, if any."""
    counted: Counted | None = scope.get(COUNTED)
    if counted is None:
        return ()
    limiter, quota, key, refused = counted
    found = [refused] if refused else limiter.peek(quota.windows, key)
    return (b"ratelimit-policy", quota.policy), (b"ratelimit", limit_header(found))


def limit_header(found: list[Outcome]) -> bytes:
    """Return what is left of each window that was asked."""
    return ", ".join(
        f'"{window.name}";r={outcome.remaining};t={whole_seconds(outcome.reset_s)}'
        for window, outcome in found
    ).encode()


def whole_seconds(seconds: float) -> int:
    """Return seconds as answers say them: whole, up, at least one."""
    return max(1, math.ceil(seconds))
