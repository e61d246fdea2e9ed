"""What a source is: a name, a kind, and a function from contents and a history to scores."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from domain.ranking.history import RECENT, Floats, History, Indices
from domain.row_table import Asked, add_saturated_sums, parts_of_picks
from domain.slate_index import ContentSide
from domain.sources.labels import LABELS, Kind

Region = str | None  # None: everywhere
Said = Callable[[Indices], Floats]


class Scored(NamedTuple):
    """Scores of one personal source for one viewer, of the first ``size`` titles.

    ``add(total, factor)`` adds the factor times the score (0-1) of each title to ``total``; more
    evidence never lowers a score. ``entries`` are the entries of the history that have a weight, or
    would if one other were taken out; ``said(picks)``, of shape (entries, picks), is what each says
    about each title at weight 1.
    """

    size: int
    add: Callable[[Floats, float], None]
    entries: Indices
    said: Said

    @property
    def scores(self) -> Floats:
        """The scores of all titles, made anew each time."""
        total = np.zeros(self.size)
        self.add(total, 1.0)
        return total


class PersonalSource(NamedTuple):
    """A source that looks at what the viewer did.

    With x the sum over the history of ``weights / mass`` times what each title says at weight 1, a
    score is x, or ``x / (1 + x)`` when ``saturates``.
    """

    name: str
    kind: Kind
    score: Callable[[ContentSide, History], Scored]
    weights: Literal["evidence", "recency", "liked_recency"] = "recency"  # of the history
    mass: float = RECENT.mass
    saturates: bool = False

    def shares(self, history: History, scored: Scored, picks: Indices) -> Floats:
        """Return what each entry adds to the score of each pick, shape (history, picks).

        A column adds up to the title's score.
        """
        weights: Floats = getattr(history, self.weights)
        shares = np.zeros((len(weights), len(picks)))
        shares[scored.entries] = weights[scored.entries, np.newaxis] / self.mass
        shares[scored.entries] *= scored.said(picks)
        return shares * (1.0 - scored.scores[picks]) if self.saturates else shares


class CommonSource(NamedTuple):
    """A source that is the same for every viewer of a region: one number 0-1 per title.

    ``fill(content, region, into)`` writes them into an array of as many numbers as there are titles
    once those that trend in the region are named (``titles_of``).
    """

    name: str
    kind: Kind
    fill: Callable[[ContentSide, Region, Floats], None]
    first_weight: float = 0.0  # before anything was learned

    def score(self, content: ContentSide, region: Region) -> Floats:
        """Return the scores of all titles in a new array."""
        found = np.empty(titles_of(content, region))
        self.fill(content, region, found)
        return found

    @property
    def label(self) -> str:
        """What a reason calls it."""
        return LABELS[self.name].text


def titles_of(content: ContentSide, region: Region) -> int:
    """Return how many titles there are, those included that trend before anything named them."""
    content.trending(region)
    return len(content.ids)


def of_rows(
    content: ContentSide, table: str, titles: Indices, weights: Floats, entries: Indices
) -> Scored:
    """Return scores from rows of a table: with x their weighted sum, ``x / (1 + x)``.

    That is nearly x where x is small, as it is nearly always, grows with every term and stays
    below 1 where many titles agree.

    Args:
        content: has the table.
        table: whose rows say how much a title speaks for others, all non-negative.
        titles: of the history, whose rows are taken.
        weights: of each of them.
        entries: those that have a weight or may get one.
    """
    rows = content.rows(table, titles[entries])
    asked = Asked(titles, entries, content.rollup.homes, len(content.ids))
    return Scored(
        asked.size,
        lambda total, factor: add_saturated_sums(rows, asked, weights, factor, total),
        entries,
        lambda picks: parts_of_picks(rows, asked, picks),
    )
