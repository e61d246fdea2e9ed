"""Whether a title can be watched in a region at a moment."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.content import Content

FOREVER_MS = 2**63 - 1


class Offer(NamedTuple):
    """Where (None: everywhere) and when (None: no end) a title is offered; the end is exclusive."""

    region: str | None
    from_at_ms: int | None
    until_at_ms: int | None


def offers_of(content: Content) -> tuple[Offer, ...]:
    """Return the offers of a title."""
    return tuple(
        Offer(each.region, each.from_at_ms, each.until_at_ms) for each in content.availability
    )


def is_available(content: Content, region: str | None, now_ms: int) -> bool:
    """Whether some offer of a title holds now: see ``is_open``."""
    return is_open(offers_of(content), region, now_ms)


def is_open(offers: Sequence[Offer], region: str | None, now_ms: int) -> bool:
    """Whether some offer holds now; without a region any region will do.

    A title without any statement about availability counts as available: not every partner states
    it.
    """
    if not offers:
        return True
    for where, from_at_ms, until_at_ms in offers:
        here = region is None or where is None or where == region
        begun = from_at_ms is None or from_at_ms <= now_ms
        if here and begun and (until_at_ms is None or now_ms < until_at_ms):
            return True
    return False


def unchanged_span(offers: Sequence[Offer], now_ms: int) -> tuple[int, int]:
    """Return the time around now, [from, until) in ms, in which no offer opens or closes."""
    since_ms, next_ms = -FOREVER_MS, FOREVER_MS
    for _, from_at_ms, until_at_ms in offers:
        for at_ms in (from_at_ms, until_at_ms):
            if at_ms is not None and at_ms <= now_ms:
                since_ms = max(since_ms, at_ms)
            elif at_ms is not None:
                next_ms = min(next_ms, at_ms)
    return since_ms, next_ms
