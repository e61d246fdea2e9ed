"""Co-watch between fits: columns of titles whose audience changed are fitted anew, others kept.

Column i of B says which titles speak for i. It is as old as the last fit, and the fewer viewers i
had then, the more it misses. So whenever the audience of a title has changed by ``GROWTH`` of what
it was, its column is fitted by its neighbourhood (``domain.cowatch_sparse``) from all histories as
they are now. A title of n viewers is fitted some ``log(n) / log(1 + GROWTH)`` times in all, however
often one looks.

A column that is kept is old in every respect: what an erased viewer left in it stays until it is
fitted again. Rows are those of B, cut to the best as after a fit.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from domain.cosines import cosines
from domain.cowatch import (
    ENGAGED_ONLY,
    Histories,
    NeighbourRows,
    incidence,
    select_titles,
    sparse_rows,
    top_rows,
)
from domain.cowatch_sparse import (
    Columns,
    Limits,
    Progress,
    columns_of,
    fit,
    gram_of,
    no_progress,
)

GROWTH = 0.10  # of an audience: 0.15 was 0.6 % worse (docs/benchmarks.md)
WHOLE_SHARE = 0.5  # of the titles: to fit more of them again costs as much as to fit all

Audiences = NDArray[np.int64]


class Fitted(NamedTuple):
    """Rows, and the audience of each of their titles when its column was fitted.

    An audience is the sum of the squares of a title's weights, in hundredths: its diagonal of X'X.
    ``left_out`` are titles whose pairs exceeded the limit: they wait for the next whole fit.
    """

    rows: NeighbourRows
    audiences: Audiences
    left_out: frozenset[str] = frozenset()


class Fit(NamedTuple):
    """How tables are fitted.

    ``ridge`` is lambda, ``neighbours_max`` how many weights a row has, and whole fits by
    neighbourhoods, which may take minutes, tell their ``progress``.
    """

    limits: Limits
    ridge: float
    neighbours_max: int
    progress: Progress = no_progress


def fit_whole(histories: Histories, how: Fit) -> Fitted:
    """Fit all columns."""
    rows = fit(histories, how.limits, how.ridge, how.neighbours_max, how.progress)
    places = {title: place for place, title in enumerate(histories.title_ids)}
    audiences = _audiences(histories)[[places[title] for title in rows.title_ids]]
    taking_part = select_titles(histories, how.limits.titles).title_ids
    return Fitted(rows, audiences, frozenset(taking_part).difference(rows.title_ids))


def renew(before: Fitted, histories: Histories, how: Fit) -> Fitted:
    """Fit the columns of titles whose audience changed: a function of what was and what is.

    All columns, where most changed.
    """
    chosen = select_titles(histories, how.limits.titles)
    now, then = _audiences(chosen), np.zeros(len(chosen.title_ids), dtype=np.int64)
    place_of = {title: place for place, title in enumerate(chosen.title_ids)}
    places = np.array([place_of.get(title, -1) for title in before.rows.title_ids], dtype=np.int64)
    then[places[places >= 0]] = before.audiences[places >= 0]
    changed = np.abs(now - then) >= np.maximum(GROWTH * then, 1)
    waiting = (title in before.left_out for title in chosen.title_ids)
    changed &= ~np.fromiter(waiting, dtype=bool, count=len(now))
    if changed.sum() > WHOLE_SHARE * len(now):
        return fit_whole(histories, how)
    titles, columns = _fitted(incidence(chosen), changed, how)
    kept = np.ones(len(now), dtype=bool)
    kept[titles] = False
    row, column, data = (
        np.concatenate(both) for both in zip(_kept(before.rows, places, kept), columns, strict=True)
    )
    weights = sparse.csr_matrix((data, (row, column)), [len(now), len(now)])
    rows = top_rows(sparse_rows(weights), chosen.title_ids, how.neighbours_max)
    changed[titles] = False  # which leaves those that were not fitted
    too_many = (chosen.title_ids[place] for place in np.flatnonzero(changed).tolist())
    return Fitted(rows, np.where(kept, then, now), before.left_out.union(too_many))


def _fitted(
    matrix: sparse.csc_matrix, changed: NDArray[np.bool_], how: Fit
) -> tuple[NDArray[np.int64], Columns]:
    """Return titles that changed and their columns of B, for which few pairs are needed.

    Titles are taken by falling number of viewers, as a whole fit takes them: so ties between
    neighbours fall alike. Titles whose pairs exceed the limit are left out.
    """
    order = np.argsort(-np.diff(matrix.indptr), kind="stable")
    asked = np.flatnonzero(changed[order])
    near = top_rows(cosines(matrix[:, order], asked), [], how.limits.regressors)
    order = order[np.union1d(asked, near.neighbours)]
    product = gram_of(matrix[:, order], how.limits)
    order = order[: product.titles]
    asked = np.flatnonzero(changed[order])
    # It finds the neighbours once more, among few titles now: simpler than to translate them.
    found = columns_of(product, matrix[:, order], asked, how.limits, how.ridge, no_progress)
    return order[asked], Columns(order[found.rows], order[found.columns], found.values)


def unchanged(before: NeighbourRows, after: NeighbourRows) -> NDArray[np.bool_]:
    """Return which rows of ``after`` are as they were ``before``."""
    place_of = {title: place for place, title in enumerate(after.title_ids)}
    places = np.array([place_of.get(title, -1) for title in before.title_ids], dtype=np.int64)
    neighbours, found = places[before.neighbours], np.zeros(len(after.title_ids), dtype=bool)
    for old, new in enumerate(places.tolist()):
        if new >= 0:
            was = slice(before.starts[old], before.starts[old + 1])
            now = slice(after.starts[new], after.starts[new + 1])
            found[new] = np.array_equal(neighbours[was], after.neighbours[now])
            found[new] &= np.array_equal(before.weights[was], after.weights[now])
    return found


def _audiences(histories: Histories) -> Audiences:
    """Return the audience of each title."""
    weights = np.where(histories.weights == ENGAGED_ONLY, 0, histories.weights).astype(np.float64)
    sums = np.bincount(histories.titles, weights**2, len(histories.title_ids))
    return sums.astype(np.int64)


def _kept(rows: NeighbourRows, places: Audiences, kept: NDArray[np.bool_]) -> Columns:
    """Return the entries of rows in kept columns, by the places of their titles (-1: gone)."""
    row = np.repeat(places, np.diff(rows.starts))
    column = places[rows.neighbours]
    stays = (row >= 0) & (column >= 0)
    stays[stays] = kept[column[stays]]
    return Columns(row[stays], column[stays], rows.weights[stays])
