"""Whether a title can be watched in a region at a moment."""

from schemas.content import Content


def is_available(content: Content, region: str | None, now_ms: int) -> bool:
    """Whether some offer holds now; without a region any region will do.

    A title without any statement about availability counts as available: not every partner states
    it.
    """
    if not content.availability:
        return True
    return any(
        (region is None or window.region is None or window.region == region)
        and (window.from_at_ms is None or window.from_at_ms <= now_ms)
        and (window.until_at_ms is None or now_ms < window.until_at_ms)
        for window in content.availability
    )
