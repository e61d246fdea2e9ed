"""Records that agree well enough to be one title, both ways, and which of them agree best."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from domain.catalogue.facts import Facts

S = TypeVar("S", bound="tuple[float, ...]")


class Alike(Generic[S]):
    """Scores of pairs of records. Greater scores agree better, equal ones equally well."""

    def __init__(self) -> None:
        self._scores: dict[str, dict[str, S]] = {}

    def of(self, key: str) -> Mapping[str, S]:
        """Return the records that agree with one, with their scores."""
        return self._scores.get(key, {})

    def put(self, key: str, other: str, score: S) -> None:
        """Set the score of a pair."""
        self._scores.setdefault(key, {})[other] = score
        self._scores.setdefault(other, {})[key] = score

    def drop(self, key: str) -> None:
        """Forget all scores of a record."""
        for other in self._scores.pop(key, ()):
            theirs = self._scores[other]
            del theirs[key]
            if not theirs:
                del self._scores[other]

    def around(self, key: str, partner: str, facts: Mapping[str, Facts]) -> set[str]:
        """Return the records that agree with one of ``partner``, and those that compete for them.

        What one record is worth to another depends on these, and on no others.
        """
        near = set(self.of(key))
        return near | {
            rival
            for each in near
            for rival in self._scores[each]
            if facts[rival].partner == partner
        }

    def mutual(self, key: str, facts: Mapping[str, Facts]) -> Iterator[tuple[str, S]]:
        """Yield the records that are the best of their partner for one, as it is for them."""
        found = self.of(key)
        for partner in {facts[other].partner for other in found}:
            best = self._best(key, partner, facts)
            if best is not None and self._best(best, facts[key].partner, facts) == key:
                yield best, found[best]

    def _best(self, key: str, partner: str, facts: Mapping[str, Facts]) -> str | None:
        """Return the record of a partner that agrees best; None when two agree equally well."""
        ranked = sorted(
            ((score, other) for other, score in self.of(key).items()
             if facts[other].partner == partner),
            reverse=True,
        )  # fmt: skip
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None
        return ranked[0][1]
