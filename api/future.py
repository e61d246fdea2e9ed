"""Which event times are refused: those that no clock a little wrong explains."""

# A sender's clock may be a little ahead. An event far ahead would be the newest for ever: no later
# report could move the resume point, no later webhook could change the title.
FUTURE_MS_MAX = 5 * 60 * 1000
IN_THE_FUTURE = "more than 5 minutes in the future"


def is_in_the_future(at_ms: int, now_ms: int) -> bool:
    """Whether an event time (both Unix milliseconds) is further ahead than a clock may be."""
    return at_ms > now_ms + FUTURE_MS_MAX
