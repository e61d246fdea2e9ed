"""Prequential evaluation: every row is predicted before anything is learned from it.

A. P. Dawid, Statistical Theory: The Prequential Approach, J. R. Statist. Soc. A 147, 1984.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from domain.regression.calibration import area_under_curve, calibration_error, log_loss
from domain.regression.completion import fit_completion
from domain.regression.logit import Floats
from domain.regression.starts import Times


class Prequential(NamedTuple):
    """Predictions of the rows from ``first`` on, and how good they were."""

    first: int
    predictions: Floats
    calibration_error: float
    log_loss: float
    area_under_curve: float


def evaluate(
    names: Sequence[str], matrix: Floats, labels: Floats,
    started_at_ms: Times, decided_at_ms: Times, refit_every: int,
) -> Prequential:  # fmt: skip
    """Predict row after row as it would have happened, with a fit every ``refit_every`` rows.

    A fit learns from the rows whose label was known (``decided_at_ms``) when the next row was
    started. The first ``refit_every`` rows are warm-up: learned from, not predicted.

    Args:
        names: one per column.
        matrix: rows x columns, in order of ``started_at_ms``.
        labels: 0 or 1 a row.
        started_at_ms: ascending.
        decided_at_ms: from when on each label is known.
        refit_every: rows predicted by one model, > 0.

    Raises:
        ValueError: rows are not in order of time, no label is known when one is needed, or all of
            those predicted are the same.
    """
    if (np.diff(started_at_ms) < 0).any():
        raise ValueError("rows are not in order of time")
    parts = []
    for begin in range(refit_every, len(labels), refit_every):
        known = np.flatnonzero(decided_at_ms[:begin] < started_at_ms[begin])
        fit = fit_completion(names, matrix[known], labels[known])
        parts.append(fit.model.predict(matrix[begin : begin + refit_every]))
    predictions = np.concatenate(parts) if parts else np.empty(0)
    judged = labels[refit_every:]
    return Prequential(
        refit_every, predictions,
        calibration_error(predictions, judged), log_loss(predictions, judged),
        area_under_curve(predictions, judged),
    )  # fmt: skip
