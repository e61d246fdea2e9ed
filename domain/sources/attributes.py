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
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from schemas.content import Content

CAST_MAX = 10  # the first billed; further down, names say little about a title
DENSE_VALUES_MAX = 64  # genres: a small dense product is faster than sums over lists
DECIMALS = 6  # scores that are equal to this many are ties
PARTS = frozenset({"season", "episode"})  # not compared: their series is

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

Kind = Literal["genre", "cast", "director", "themes"]
_READ: dict[Kind, Callable[[Content], tuple[str, ...]]] = {
    "genre": lambda content: content.genres,
    "cast": lambda content: content.cast[:CAST_MAX],
    "director": lambda content: content.directors,
    "themes": lambda content: content.themes + content.moods,
}
KINDS: tuple[Kind, ...] = tuple(_READ)


class SimilarTitle(NamedTuple):
    """A title that shares something; ``score`` is the cosine, above 0 and at most 1."""

    title: int
    score: float


class History(NamedTuple):
    """What a viewer watched: distinct dense indices and how much each title counts (> 0)."""

    titles: Sequence[int]
    weights: Sequence[float] | Floats


def normalised(value: str) -> str:
    """Return the form in which values are compared.

    >>> normalised("  Agnès  VARDA")
    'agnès varda'
    """
    return " ".join(value.casefold().split())


def whole_id(content: Content) -> str:
    """Return the id of the title that stands for a content: of its series or original, or its own.

    An episode that names no series stands for itself and has no attributes (``attributes_of``).
    """
    series_id = content.series_id if content.type in PARTS else None
    return series_id or content.version_of or content.content_id


def spellings(content: Content, kind: Kind) -> dict[str, str]:
    """Return the values of one kind: normalised form -> the content's own spelling."""
    found = {normalised(value): value for value in reversed(_READ[kind](content))}
    found.pop("", None)
    return found


def attributes_of(content: Content) -> dict[str, tuple[str, ...]]:
    """Return the normalised values of each kind, sorted; kinds without values are left out.

    Only whole titles have any: neither seasons and episodes nor versions of another title.
    """
    if content.type in PARTS or whole_id(content) != content.content_id:
        return {}
    values = ((kind, tuple(sorted(spellings(content, kind)))) for kind in KINDS)
    return {kind: found for kind, found in values if found}


class _Fitted(NamedTuple):
    """Unit vectors, by set (sets x values) and by value (their transpose).

    ``titles`` says how many titles have each value.
    """

    titles: Indices
    units: sparse.csr_array
    by_value: sparse.csr_array
    dense: Floats | None  # the units again, where there are few values


class AttributeIndex:
    """The values of one kind over all titles; titles are dense indices into ``ids``.

    Titles with the same set of values share one vector: 17,472 films have 1,073 sets of genres.
    Titles come and go at any time and every weight depends on all of them, so the vectors are made
    anew at the first question after a change. A product of sparse rows adds each row up by itself,
    so a batch of viewers gives the same bits as one viewer after the other. The order in which
    titles came moves a score by the rounding of its sum (1e-15): round before ranking. Sets and
    values that no title has any more are kept, with weight 0, for the life of the index.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids  # grows outside
        self._values: list[str] = []
        self._columns: dict[str, int] = {}
        self._sets: dict[tuple[int, ...], int] = {(): 0}  # a title without values is in set 0
        self._members, self._lengths = array("i"), array("i", [0])  # columns of all sets, in order
        self._set_of = np.zeros(1024, dtype=np.int64)
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
            self._set_of = np.concatenate([self._set_of, np.zeros(more, dtype=np.int64)])

    def similar(self, title: int, limit: int) -> list[SimilarTitle]:
        """Return the most similar other titles, best first; ties by content id."""
        scores = np.round(self._by_title(self._by_set([History([title], [1.0])]))[0], DECIMALS)
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
        first, second = fitted.units[[self._set_of[title]]], fitted.units[[self._set_of[other]]]
        both: list[int] = np.intersect1d(first.indices, second.indices).tolist()
        both.sort(key=lambda column: (fitted.titles[column], self._values[column]))
        return [self._values[column] for column in both]

    def scores(self, titles: Indices, weights: Floats) -> Floats:
        """Return ``sum over j of w_j v_j . v_i`` for all titles i, v being unit vectors.

        At most the sum of the weights. One viewer at a time without sparse matrices: their set-up
        would cost more than the sums.
        """
        fitted = self._fit()
        if not self._values:
            return np.zeros(len(self._ids))
        if fitted.dense is not None:
            by_set: Floats = fitted.dense @ (weights @ fitted.dense[self._set_of[titles]])
            return by_set.take(self._set_of[: len(self._ids)])
        owners, columns, values = _entries(fitted.units, self._set_of[titles])
        values = values * weights[owners]
        profile: Floats = np.bincount(columns, weights=values, minlength=len(self._values)).astype(
            np.float64, copy=False
        )
        used = np.flatnonzero(profile)
        owners, sets, values = _entries(fitted.by_value, used)
        values = values * profile[used][owners]
        found = np.bincount(sets, weights=values, minlength=len(self._lengths))
        taken: Floats = found.astype(np.float64, copy=False).take(self._set_of[: len(self._ids)])
        return taken

    def cosines(self, titles: Indices) -> Floats:
        """Return the similarities of some titles to one another, shape (titles, titles)."""
        weights = np.ones(len(titles))
        return self.parts(titles, weights, titles)

    def parts(self, titles: Indices, weights: Floats, targets: Indices) -> Floats:
        """Return ``w_j v_j . v_i``, shape (titles, targets), as ``terms`` does.

        Over the values that the targets have, which are few: two small dense matrices.
        """
        if not self._values:
            return np.zeros((len(titles), len(targets)))
        fitted = self._fit()
        if fitted.dense is not None:
            watched = fitted.dense[self._set_of[titles]] * weights[:, np.newaxis]
            found: Floats = watched @ fitted.dense[self._set_of[targets]].T
            return found
        units = fitted.units
        owners, columns, values = _entries(units, self._set_of[targets])
        used, places = np.unique(columns, return_inverse=True)
        shown = np.zeros((len(targets), len(used)))
        shown[owners, places] = values
        owners, columns, values = _entries(units, self._set_of[titles])
        places = np.searchsorted(used, columns)
        both = places < len(used)
        both[both] = used[places[both]] == columns[both]
        watched = np.zeros((len(titles), len(used)))
        watched[owners[both], places[both]] = values[both] * weights[owners[both]]
        return np.asarray(watched @ shown.T)

    def profile_scores(self, titles: Sequence[int], weights: Sequence[float] | Floats) -> Floats:
        """Return the scores of all titles for one viewer; see ``batch_scores``."""
        scores: Floats = self.batch_scores([History(titles, weights)])[0]
        return scores

    def batch_scores(self, viewers: Sequence[History]) -> Floats:
        """Return one row of scores a viewer, shape (viewers, titles), 0-1.

        The score of title i is ``(sum over j of w_j v_j) . v_i``, v being unit vectors, divided by
        the viewer's largest: that of the title most like everything watched, which may be one of
        those watched. A viewer of whose titles no value is known has zeros.
        """
        scores = self._by_set(viewers)
        largest = scores.max(axis=1, initial=0.0, keepdims=True)
        np.divide(scores, largest, out=scores, where=largest > 0.0)
        return self._by_title(scores)

    def terms(
        self, titles: Sequence[int], weights: Sequence[float] | Floats, targets: Sequence[int]
    ) -> Floats:
        """Return ``w_j v_j . v_i``, shape (titles, targets): what each title watched adds to each.

        A column added up is the score of its target before the division by the viewer's largest.
        """
        units = self._fit().units
        watched, shown = units[self._set_of[list(titles)]], units[self._set_of[list(targets)]]
        terms: Floats = (watched @ shown.T).toarray()
        terms *= np.asarray(weights, dtype=np.float64)[:, np.newaxis]
        return terms

    def _by_set(self, viewers: Sequence[History]) -> Floats:
        """Return the scores of each set before they are scaled, shape (viewers, sets)."""
        fitted = self._fit()
        starts = np.cumsum([0, *(len(viewer.titles) for viewer in viewers)], dtype=np.int32)
        titles = np.fromiter(chain.from_iterable(viewer.titles for viewer in viewers), np.int64)
        weights = np.fromiter(chain.from_iterable(viewer.weights for viewer in viewers), np.float64)
        sets = self._set_of[titles].astype(np.int32)
        shape = (len(viewers), fitted.units.shape[0])
        watched = sparse.csr_array((weights, sets, starts), shape)
        scores: Floats = (watched @ fitted.units @ fitted.by_value).toarray()
        return scores

    def _by_title(self, scores: Floats) -> Floats:
        taken: Floats = scores.take(self._set_of[: len(self._ids)], axis=1)
        return taken

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
            shape = (len(lengths), len(self._values))
            units = sparse.csr_array((entries, columns, starts), shape)
            dense = units.toarray() if len(self._values) <= DENSE_VALUES_MAX else None
            self._fitted = _Fitted(titles, units, units.T.tocsr(), dense)
        return self._fitted


def _entries(rows: sparse.csr_array, places: Indices) -> tuple[Indices, Indices, Floats]:
    """Return (which of ``places``, column, entry) of all entries of some rows, in order."""
    starts = rows.indptr[places]
    lengths = rows.indptr[places + 1] - starts
    ends = np.cumsum(lengths)
    count = int(ends[-1]) if len(ends) else 0
    entries = np.arange(count) + np.repeat(starts - ends + lengths, lengths)
    owners = np.repeat(np.arange(len(places)), lengths)
    return owners, rows.indices[entries], rows.data[entries]
