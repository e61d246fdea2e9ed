"""Similar by genre, cast, director or themes: shared attribute values, rare ones counting more.

A title is the vector of its values, value a having the weight ``log(1 + N / n_a)``: N titles have
any value of the kind, n_a have this one (inverse document frequency; Manning, Raghavan and
Schütze 2008, *Introduction to Information Retrieval*, chapter 6). The similarity of two titles is
the cosine of their vectors, so

    sum of weight^2 over the shared values / (norm_i * norm_j)

which is 0 for nothing shared and 1 for the same values. Why not something simpler: Jaccard
(shared / union) knows no weights, so a genre that half of the catalogue has counts like a director
of three films. The overlap divided by the values of the asked title is not symmetric, and titles
with long lists win. The cosine is symmetric, punishes values that are not shared on either side,
and is linear in each title: a viewer's score is a sum over the titles watched, whose terms are the
exact reasons.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from domain.compiled import FLOATS, INTS, INTS32, NOTHING, TABLE, compiled, inlined, tuple_of
from domain.title_attributes import DECIMALS

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Sets = NDArray[np.int32]


class SimilarTitle(NamedTuple):
    """A title that shares something; ``score`` is the cosine, above 0 and at most 1."""

    title: int
    score: float


class Vectors(NamedTuple):
    """Sparse rows: of row r the ``columns`` (ascending) and ``entries`` from ``starts[r]`` on."""

    starts: NDArray[np.int32]
    columns: NDArray[np.int32]
    entries: Floats


VECTORS = tuple_of(Vectors, INTS32, INTS32, FLOATS)


class _Fitted(NamedTuple):
    """Unit vectors, by set (sets x values) and by value (their transpose).

    ``titles`` says how many titles have each value.
    """

    titles: Indices
    units: Vectors
    by_value: Vectors


class AttributeIndex:
    """The values of one kind over all titles; titles are dense indices into ``ids``.

    Titles with the same set of values share one vector: 17,472 films have 1,073 sets of genres.
    Titles come and go at any time and every weight depends on all of them, so the vectors are made
    anew at the first question after a change. The order in which titles came moves a score by the
    rounding of its sum (1e-15): round before ranking. Sets and values that no title has any more
    are kept, with weight 0, for the life of the index.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids  # grows outside
        self._values: list[str] = []
        self._columns: dict[str, int] = {}
        self._sets: dict[tuple[int, ...], int] = {(): 0}  # a title without values is in set 0
        self._members, self._lengths = array("i"), array("i", [0])  # columns of all sets, in order
        self._set_of = np.zeros(1024, dtype=np.int32)
        self._fitted: _Fitted | None = None

    def put(self, title: int, values: Iterable[str]) -> None:
        """Set the normalised values of a title; without any it is as if it had never been put."""
        found = self._set(tuple(sorted({self._column(value) for value in values})))
        self._grow(title + 1)
        if self._set_of[title] != found:
            self._set_of[title] = found
            self._fitted = None

    def remove(self, title: int) -> None:
        """Take a title out; one that is not there is no error."""
        self.put(title, ())

    def _column(self, value: str) -> int:
        found = self._columns.setdefault(value, len(self._values))
        if found == len(self._values):
            self._values.append(value)
        return found

    def _set(self, columns: tuple[int, ...]) -> int:
        found = self._sets.setdefault(columns, len(self._sets))
        if found == len(self._lengths):
            self._members.extend(columns)
            self._lengths.append(len(columns))
        return found

    def _grow(self, size: int) -> None:
        if size > len(self._set_of):
            more = max(size, 2 * len(self._set_of)) - len(self._set_of)
            self._set_of = np.concatenate([self._set_of, np.zeros(more, dtype=np.int32)])

    def similar(self, title: int, limit: int) -> list[SimilarTitle]:
        """Return the most similar other titles, best first; ties by content id."""
        scores = np.round(self.scores(np.array([title]), np.ones(1)), DECIMALS)
        scores[title] = 0.0
        found = np.flatnonzero(scores > 0.0)
        if len(found) > limit:
            threshold = np.partition(scores[found], -limit)[-limit]
            found = found[scores[found] >= threshold]
        best = sorted(found.tolist(), key=lambda other: (-scores[other], self._ids[other]))
        return [SimilarTitle(other, float(scores[other])) for other in best[:limit]]

    def shared(self, title: int, other: int) -> list[str]:
        """Return the values that both titles have, rarest first; ties by value."""
        fitted = self._fit()
        starts, columns, _ = fitted.units
        first, second = (
            columns[starts[each] : starts[each + 1]] for each in self._set_of[[title, other]]
        )
        both: list[int] = np.intersect1d(first, second).tolist()
        both.sort(key=lambda column: (fitted.titles[column], self._values[column]))
        return [self._values[column] for column in both]

    def scores(self, titles: Indices, weights: Floats) -> Floats:
        """Return ``sum over j of w_j v_j . v_i`` for all titles i, v being unit vectors.

        At most the sum of the weights.
        """
        total = np.zeros(len(self._ids))
        _add_scores(self.values(), titles, weights, total)
        return total

    def parts(self, titles: Indices, targets: Indices) -> Floats:
        """Return ``v_j . v_i``, the similarity of each title to each target, of that shape."""
        return _cosines(self._fit().units, self._set_of[titles], self._set_of[targets])

    def values(self) -> "Values":
        """Return the vectors of all titles, as compiled loops read them; not to be kept."""
        _, units, by_value = self._fit()
        return Values(units, by_value, self._set_of)

    def vectors_of(self, titles: Indices) -> tuple[Vectors, Sets]:
        """Return unit vectors, and which of them each title has."""
        return self._fit().units, self._set_of[titles]

    def _fit(self) -> "_Fitted":
        """Make the vectors of all sets that have a title now; others get the zero vector."""
        self._grow(len(self._ids))
        if self._fitted is None:
            columns = np.array(self._members)
            lengths = np.array(self._lengths)
            owners = np.repeat(np.arange(len(lengths)), lengths)
            in_set = np.bincount(self._set_of, minlength=len(lengths))
            in_set[0] = 0
            titles = np.bincount(columns, in_set[owners], len(self._values)).astype(np.int64)
            weights = np.log1p(in_set.sum() / np.maximum(titles, 1))
            entries = weights[columns] * (in_set[owners] > 0)
            norms = np.sqrt(np.bincount(owners, entries**2, minlength=len(lengths)))
            np.divide(entries, norms[owners], out=entries, where=entries > 0.0)
            starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
            units = sparse.csr_array((entries, columns, starts), (len(lengths), len(self._values)))
            self._fitted = _Fitted(titles, _vectors(units), _vectors(units.T.tocsr()))
        return self._fitted


def _vectors(rows: sparse.csr_array) -> Vectors:
    starts, columns = rows.indptr.astype(np.int32), rows.indices.astype(np.int32)
    return Vectors(starts, columns, rows.data.astype(np.float64))


class Values(NamedTuple):
    """The values of one kind: unit vectors, their transpose, and which vector each title has."""

    units: Vectors
    by_value: Vectors
    sets: Sets


VALUES = tuple_of(Values, VECTORS, VECTORS, INTS32)


@inlined
def add_similar(
    values: Values, titles: Indices, weights: Floats, factor: float, total: Floats
) -> None:
    """Add to the total of each title its similarities to some titles, times their weights.

    The sum of the vectors of these titles, times the vector of each set; no weight is negative.
    """
    units, by_value = values.units, values.by_value
    profile, room = np.zeros(len(by_value.starts) - 1), 0
    for place in range(len(titles)):
        watched = values.sets[titles[place]]
        room += units.starts[watched + 1] - units.starts[watched]
    found, count = np.empty(room, dtype=np.int64), 0  # in the profile: few of all there are
    for place in range(len(titles)):
        watched = values.sets[titles[place]]
        for entry in range(units.starts[watched], units.starts[watched + 1]):
            value, added = units.columns[entry], units.entries[entry] * weights[place]
            if profile[value] == 0.0 and added > 0.0:
                found[count] = value
                count += 1
            profile[value] += added
    by_set = np.zeros(len(units.starts) - 1)
    for value in np.sort(found[:count]):
        for entry in range(by_value.starts[value], by_value.starts[value + 1]):
            by_set[by_value.columns[entry]] += by_value.entries[entry] * profile[value]
    for title in range(len(total)):
        total[title] += by_set[values.sets[title]] * factor


@compiled(NOTHING, VALUES, INTS, FLOATS, FLOATS)
def _add_scores(values: Values, titles: Indices, weights: Floats, total: Floats) -> None:
    add_similar(values, titles, weights, 1.0, total)


@inlined
def cosine(units: Vectors, one: int, other: int) -> float:
    """Return the product of two rows, added up in the order of their columns."""
    found = 0.0
    first, second = units.starts[one], units.starts[other]
    while first < units.starts[one + 1] and second < units.starts[other + 1]:
        if units.columns[first] == units.columns[second]:
            found += units.entries[first] * units.entries[second]
            first += 1
            second += 1
        elif units.columns[first] < units.columns[second]:
            first += 1
        else:
            second += 1
    return found


@compiled(TABLE, VECTORS, INTS32, INTS32)
def _cosines(units: Vectors, sets: Sets, others: Sets) -> Floats:
    found = np.empty((len(sets), len(others)))
    for row in range(len(sets)):
        for column in range(len(others)):
            found[row, column] = cosine(units, sets[row], others[column])
    return found
