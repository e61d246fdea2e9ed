"""What too many records of one partner have in common, which therefore says nothing.

A partner with hundreds of records called "Football" of one year does not tell by that title which
of them another partner's record is. Comparing them all would only cost: each with each.
"""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

CROWD_MAX = (
    50  # records of one partner; real lists have 3 of one title, 11 of one person, in a year
)

P = TypeVar("P", bound=Hashable)


class Crowds(Generic[P]):
    """Who is at which place. A place is one partner's: a title and year, a number in a series."""

    def __init__(self, crowd_max: int = CROWD_MAX) -> None:
        self._at: dict[P, list[str]] = {}
        self._crowded: set[P] = set()
        self._max = crowd_max

    def crowded(self, places: Iterable[P]) -> set[P]:
        """Return the places at which more records are than could be told apart by them."""
        return self._crowded.intersection(places) if self._crowded else set()

    def move(self, key: str, before: Iterable[P], after: Iterable[P]) -> set[str]:
        """Set the places of a record.

        Returns: the other records at places that are crowded now and were not, or the reverse.
        """
        left, entered = set(before), set(after)
        turned: set[str] = set()
        for place in left - entered:
            there = self._at[place]
            there.remove(key)
            if len(there) == self._max:
                self._crowded.discard(place)
                turned.update(there)
            if not there:
                del self._at[place]
        for place in entered - left:
            there = self._at.setdefault(place, [])
            there.append(key)
            if len(there) == self._max + 1:
                self._crowded.add(place)
                turned.update(there)
        turned.discard(key)
        return turned
