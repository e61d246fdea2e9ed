"""The completion model with the scores of the sources is better than without, and calibrated."""

import logging
import os

import numpy as np

from domain.regression.prequential import Prequential, evaluate
from domain.regression.regressors import design_of
from domain.regression.source_scores import score_columns
from domain.regression.starts import Starts, decided, decided_at_ms, labels_of
from tests.support.movielens import needs_movielens, scored_starts, watch_states

logger = logging.getLogger(__name__)

VIEWERS_EVERY = int(os.environ.get("VIEWERS_EVERY", "6"))  # 1: all 610, which takes minutes
REFIT_ROWS = 2_000


def measured(starts: Starts, *, with_scores: bool) -> Prequential:
    """Every start predicted before it is learned from."""
    kept = decided(starts)
    scores = score_columns(starts, np.flatnonzero(kept))
    assert scores.note is None
    names, matrix = design_of(starts, scores.columns if with_scores else None)
    return evaluate(
        names, matrix[kept], labels_of(starts)[kept], starts.rows["started_at_ms"][kept],
        decided_at_ms(starts)[kept], REFIT_ROWS,
    )  # fmt: skip


@needs_movielens
def test_source_scores_lower_the_loss_and_keep_it_calibrated(record_property) -> None:
    starts = scored_starts(list(watch_states(VIEWERS_EVERY)))
    assert np.isfinite(starts.scores).all()
    without, found = (measured(starts, with_scores=each) for each in (False, True))
    for name, each in (("without", without), ("with", found)):
        told = (each.calibration_error, each.log_loss, each.area_under_curve)
        record_property(name, told)
        text = "%s source scores, %d starts: ECE %.4f, log loss %.4f, AUC %.4f"
        logger.info(text, name, len(each.predictions), *told)
    assert found.calibration_error <= 0.03
    assert found.log_loss < without.log_loss
    assert found.area_under_curve > without.area_under_curve
