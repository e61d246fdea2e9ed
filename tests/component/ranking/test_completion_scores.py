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


def measured(starts: Starts, refit_rows: int, *, with_scores: bool) -> Prequential:
    """Every start predicted before it is learned from."""
    kept = decided(starts)
    scores = score_columns(starts, np.flatnonzero(kept))
    assert scores.note is None
    names, matrix = design_of(starts, scores.columns if with_scores else None)
    return evaluate(
        names, matrix[kept], labels_of(starts)[kept], starts.rows["started_at_ms"][kept],
        decided_at_ms(starts)[kept], refit_rows,
    )  # fmt: skip


def both(starts: Starts, refit_rows: int) -> tuple[Prequential, Prequential]:
    """Without and with the scores."""
    assert np.isfinite(starts.scores).all()
    found = [measured(starts, refit_rows, with_scores=each) for each in (False, True)]
    for name, each in zip(("without", "with"), found, strict=True):
        logger.info(
            "%s source scores, %d starts: ECE %.4f, log loss %.4f, AUC %.4f",
            name, len(each.predictions), each.calibration_error, each.log_loss,
            each.area_under_curve,
        )  # fmt: skip
    return found[0], found[1]


def test_tastes_that_only_the_sources_see_are_found(tmp_path) -> None:
    """Simulated viewers finish what is of their favourite genres; no regressor of context knows."""
    starts = scored_starts(list(watch_states(12, data=tmp_path)))
    without, found = both(starts, 500)
    assert found.log_loss <= 0.97 * without.log_loss
    assert found.area_under_curve >= without.area_under_curve + 0.02


@needs_movielens
def test_it_is_better_on_movielens_and_as_calibrated() -> None:
    without, found = both(scored_starts(list(watch_states(VIEWERS_EVERY))), 2_000)
    assert found.calibration_error <= 0.03
    assert found.log_loss < without.log_loss
    assert found.area_under_curve > without.area_under_curve
