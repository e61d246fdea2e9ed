"""What a source is: a name, a kind, and a function from contents and a history to scores."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from domain.ranking.history import Floats, History, Indices
from domain.slate_index import ContentSide, Terms

Kind = Literal["collaborative", "content_based", "graph_based", "context_aware", "trending"]
Region = str | None  # None: everywhere
Shares = Callable[[Indices], Floats]


class Scored(NamedTuple):
    """Scores of one personal source for one viewer.

    ``scores`` has one number 0-1 per title; more evidence never lowers one. ``shares(picks)`` has
    shape (entries of the history, picks): what each entry adds to the score of each picked title.
    A column adds up to the title's score.
    """

    scores: Floats
    shares: Shares


class PersonalSource(NamedTuple):
    """A source that looks at what the viewer did.

    With x the sum over the history of ``weights`` times what each title says at weight 1, a score
    is x, or ``x / (1 + x)`` when ``saturates``.
    """

    name: str
    kind: Kind
    score: Callable[[ContentSide, History], Scored]
    weights: Literal["evidence", "recency", "liked_recency"] = "recency"  # of the history
    saturates: bool = False


class CommonSource(NamedTuple):
    """A source that is the same for every viewer of a region: one number 0-1 per title."""

    name: str
    kind: Kind
    score: Callable[[ContentSide, Region], Floats]
    label: str  # what a reason calls it
    first_weight: float = 0.0  # before anything was learned


def of_rows(content: ContentSide, terms: Terms, entries: int) -> Scored:
    """Return scores from the terms of rows: with x their sum by title, ``x / (1 + x)``.

    That is nearly x where x is small, as it is nearly always, grows with every term and stays
    below 1 where many titles agree.

    Args:
        content: knows how many titles there are.
        terms: what each entry of the history adds to which title, all non-negative.
        entries: length of the history.
    """
    size = len(content.ids)
    sums = np.bincount(terms.targets, weights=terms.values, minlength=size)
    scores = sums.astype(np.float64, copy=False)  # without terms they are whole numbers
    scores = scores / (1.0 + scores)

    def shares(picks: Indices) -> Floats:
        place = np.full(size, -1, dtype=np.int64)
        place[picks] = np.arange(len(picks))
        picked = place[terms.targets]
        used = np.flatnonzero(picked >= 0)
        cells = terms.owners[used] * len(picks) + picked[used]
        parts = np.bincount(cells, weights=terms.values[used], minlength=entries * len(picks))
        found: Floats = parts.reshape(entries, len(picks)).astype(np.float64, copy=False)
        return found / (1.0 + sums[picks])

    return Scored(scores, shares)
