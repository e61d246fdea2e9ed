"""Which places of a list explore, and what they say: for slates and for users without one."""

EXPLORES = "exploration"  # type of an entry, and all that it is based on
EXPLANATION = "New here: be among the first to see it"


def places(size: int, budget: float) -> list[int]:
    """Return the places (0 is first) of a list that explore: the last of each ``1 / budget``.

    >>> places(20, 0.1), places(5, 0.1), places(4, 0.0)
    ([9, 19], [], [])
    """
    if budget <= 0.0:
        return []
    every = max(1, round(1.0 / budget))
    return list(range(every - 1, size, every))
