"""The scores that the ranking sources gave a title just before its start, as regressors.

A start without scores keeps its row: its score columns are 0, and ``KNOWN`` is 0, which gives it an
intercept of its own. So its prediction is that of its context, whatever the scores of others are
worth, and what is not known is not taken for a low score. (Leaving such rows out would cost the
regressors of context all that is known of them.)
"""

from typing import NamedTuple

import numpy as np

from domain.regression.completion import OUTCOMES_PER_COEFFICIENT, SCORE_PREFIX
from domain.regression.logit import Floats
from domain.regression.regressors import NAMES
from domain.regression.starts import Indices, Starts, labels_of

KNOWN = "scores_known"


class ScoreColumns(NamedTuple):
    """Columns by name, one value a start; without any, ``note`` says why."""

    columns: dict[str, Floats]
    note: str | None


def score_columns(starts: Starts, fitted: Indices) -> ScoreColumns:
    """Return the scores of all starts as columns, or none of them where they are too few.

    Too few is what would leave the whole model without regressors, or the scores without enough
    starts that have them: ``OUTCOMES_PER_COEFFICIENT`` of the rarer label, counted among those
    ``fitted`` that have scores, for every coefficient of the model.
    """
    known = ~np.isnan(starts.scores[:, 0])  # a row is known as a whole or not at all
    labels = labels_of(starts)[fitted[known[fitted]]]
    rarer = int(min(labels.sum(), (1.0 - labels).sum()))
    needed = OUTCOMES_PER_COEFFICIENT * (1 + len(NAMES) + 1 + len(starts.sources))
    if rarer < needed:
        why = f"{rarer} of the rarer outcome have them, {needed} are needed"
        return ScoreColumns({}, f"without source scores: {why}")
    columns = {KNOWN: known.astype(np.float64)}
    for source, scores in zip(starts.sources, starts.scores.T, strict=True):
        columns[SCORE_PREFIX + source] = np.where(known, scores, 0.0).astype(np.float64)
    return ScoreColumns(columns, None)
