"""Records that agree well enough to be one title, both ways, and which of them agree best."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

S = TypeVar("S", bound="tuple[float, ...]")


class Alike(Generic[S]):
    """Scores of pairs of records. Greater scores agree better, equal ones equally well.

    A record that agrees with more than ``crowd_max`` of one partner has no best among them.
    """

    def __init__(self, crowd_max: int) -> None:
        self._scores: dict[str, dict[str, dict[str, S]]] = {}  # record -> partner -> its records
        self._max = crowd_max

    def of(self, key: str) -> dict[str, S]:
        """Return the records that agree with one, with their scores."""
        by_partner = self._scores.get(key, {}).values()
        return {other: score for theirs in by_partner for other, score in theirs.items()}

    def put(self, key: str, partner: str, other: str, other_partner: str, score: S) -> None:
        """Set the score of a pair of two partners' records."""
        self._scores.setdefault(key, {}).setdefault(other_partner, {})[other] = score
        self._scores.setdefault(other, {}).setdefault(partner, {})[key] = score

    def drop(self, key: str, partner: str) -> None:
        """Forget all scores of a record of ``partner``."""
        for theirs in self._scores.pop(key, {}).values():
            for other in theirs:
                by_partner = self._scores[other]
                del by_partner[partner][key]
                if not by_partner[partner]:
                    del by_partner[partner]
                if not by_partner:
                    del self._scores[other]

    def mutual(self, key: str, partner: str) -> Iterator[tuple[str, S]]:
        """Yield the records that are the best of their partner for one, as it is for them."""
        for theirs in self._scores.get(key, {}).values():
            best = self._best(theirs)
            if best is not None and self._best(self._scores[best][partner]) == key:
                yield best, theirs[best]

    def _best(self, scores: Mapping[str, S]) -> str | None:
        """Return the record that agrees best; None when two agree equally well."""
        if len(scores) > self._max:
            return None
        ranked = sorted(((score, key) for key, score in scores.items()), reverse=True)
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            return None
        return ranked[0][1]
