"""Records whose texts could show that they are one title: who is compared, and how alike they are.

Two records are a pair if they are of two partners, both say what their title is about, nothing that
they say contradicts the other, and they name one person. Only the records of pairs need a vector.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple

from domain.catalogue.alike import Alike
from domain.catalogue.crowds import Crowds
from domain.catalogue.facts import FILMS, YEARS_APART_MAX, Facts, is_comparable, may_be_one
from domain.embedding import Vectors

COSINE_MIN = 0.95  # more than was asked for (0.92): two titles of one real list reach 0.936
NAMES_MAX = 5  # a person in common is looked for among the first: directors, then cast

Person = tuple[bool, int, str]  # whether of a film, its year, name
_NOBODY: frozenset[str] = frozenset()


class Vector(NamedTuple):
    """The vector of a record's text. Those of two encoders cannot be compared."""

    encoder: str
    text_hash: str
    values: Vectors  # unit length, shape (384,)


class TextScore(NamedTuple):
    """How well two records agree by their texts."""

    alike: float  # cosine in two digits: what differs in the third agrees equally well
    years_apart: int  # 0 or -1


class Texts:
    """Pairs of records, the vectors heard of, and the scores of pairs that have both vectors.

    A person at (partner, person) of ``crowds`` who is crowded there makes nobody a pair.
    """

    def __init__(self, crowds: Crowds[Hashable], crowd_max: int) -> None:
        self.alike: Alike[TextScore] = Alike(crowd_max)
        self._crowds = crowds
        self._pairs: dict[str, set[str]] = {}
        self._vectors: dict[str, Vector] = {}
        self._described: dict[str, set[str]] = {}  # partner -> records that could be of a pair
        self._by_person: dict[Person, set[str]] = defaultdict(set)
        self._is_indexed = False  # with one catalogue nothing is looked for: nor is it indexed

    def pairs(self, key: str) -> frozenset[str] | set[str]:
        """Return the records with which one is a pair."""
        return self._pairs.get(key, _NOBODY)

    def put_in(self, key: str, known: Mapping[str, Facts]) -> None:
        """Take a record in: find its pairs, and score them."""
        facts = known[key]
        if not _is_described(facts):
            return
        self._described.setdefault(facts.partner, set()).add(key)
        if not self._is_indexed:
            if len(self._described) == 1:
                return
            self._index(known)
        for other in self._near(facts):
            if may_be_one(facts, known[other]) and facts.partner != known[other].partner:
                self._pairs.setdefault(key, set()).add(other)
                self._pairs.setdefault(other, set()).add(key)
        for person in self._telling(facts):
            self._by_person[person].add(key)
        self._score(key, known)

    def _index(self, known: Mapping[str, Facts]) -> None:
        """Begin to look for pairs: there are catalogues of two partners."""
        self._is_indexed = True
        for keys in self._described.values():
            for key in keys:
                for person in self._telling(known[key]):
                    self._by_person[person].add(key)

    def take_out(self, key: str, facts: Facts) -> None:
        """Forget a record; its vector is kept, for the text may come back."""
        if not _is_described(facts):
            return
        described = self._described[facts.partner]
        described.discard(key)
        if not described:
            del self._described[facts.partner]
        if not self._is_indexed:
            return
        for person in persons_of(facts):
            found = self._by_person[person]
            found.discard(key)
            if not found:
                del self._by_person[person]
        for other in self._pairs.pop(key, ()):
            theirs = self._pairs[other]
            theirs.discard(key)
            if not theirs:
                del self._pairs[other]
        self.alike.drop(key, facts.partner)

    def hear(self, key: str, vector: Vector | None, known: Mapping[str, Facts]) -> None:
        """Take in the vector of a record, known or not; None: it was taken back."""
        if vector is None:
            self._vectors.pop(key, None)
        else:
            self._vectors[key] = vector
        if key in known:
            self.alike.drop(key, known[key].partner)
            self._score(key, known)

    def _near(self, facts: Facts) -> set[str]:
        """Return the records that name one of the persons, about that year."""
        found: set[str] = set()
        for is_film, year, name in self._telling(facts):
            for each in range(year - YEARS_APART_MAX, year + YEARS_APART_MAX + 1):
                found |= self._by_person.get((is_film, each, name), _NOBODY)
        return found

    def _telling(self, facts: Facts) -> list[Person]:
        """Return the persons of a record whom no crowd of its partner's records shares."""
        persons = list(persons_of(facts))
        crowded = self._crowds.crowded((facts.partner, person) for person in persons)
        return [person for person in persons if (facts.partner, person) not in crowded]

    def _score(self, key: str, known: Mapping[str, Facts]) -> None:
        ours = self._vector(key, known[key])
        if ours is None:
            return
        for other in self.pairs(key):
            theirs = self._vector(other, known[other])
            if theirs is None or theirs.encoder != ours.encoder:
                continue
            alike = cosine(ours.values, theirs.values)
            if alike >= COSINE_MIN:
                apart = abs((known[key].year or 0) - (known[other].year or 0))
                score = TextScore(round(alike, 2), -apart)
                self.alike.put(key, known[key].partner, other, known[other].partner, score)

    def _vector(self, key: str, facts: Facts) -> Vector | None:
        """Return the vector of a record's present text; one of an older text counts as none."""
        vector = self._vectors.get(key)
        return vector if vector is not None and vector.text_hash == facts.text else None


def cosine(left: Vectors, right: Vectors) -> float:
    """Return the cosine of two unit vectors, rounded to four digits.

    The sum is exact, so it depends on neither order nor machine: groups are compared byte by byte.
    """
    products = left.astype("f8") * right.astype("f8")  # exact: both come from float16
    return round(math.fsum(products.tolist()), 4)


def _is_described(facts: Facts) -> bool:
    """Whether a record could be of a pair."""
    return bool(facts.text and facts.people) and is_comparable(facts)


def persons_of(facts: Facts) -> Iterator[Person]:
    """Yield by whom a record is found for its text; nobody when it has none to compare."""
    if not _is_described(facts):
        return
    assert facts.year is not None
    names = {name.casefold() for name in facts.people.split("\n", NAMES_MAX)[:NAMES_MAX]}
    for name in names:
        yield facts.type in FILMS, facts.year, name
