"""How true predicted probabilities are, and the two numbers that may straighten them."""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from domain.regression.logit import LOGIT_MAX, Floats
from domain.regression.ridge import newton

BINS = 10


class Platt(NamedTuple):
    """A line on the logit scale; (0, 1) changes nothing."""

    shift: float
    slope: float

    def straighten(self, logits: Floats) -> Floats:
        """Return ``shift + slope * logits``."""
        return self.shift + self.slope * logits


def calibration_error(probabilities: Floats, labels: Floats) -> float:
    """Return the expected calibration error over ``BINS`` bins of equal count, 0-1.

    ECE = sum over bins of (rows in bin / rows) * |mean label - mean probability|, rows sorted by
    probability: the "adaptive" form of J. Nixon et al., Measuring Calibration in Deep Learning,
    CVPR workshops 2019, of M. Naeini et al. (AAAI 2015). Rows with the same probability share their
    mean label, so the order of rows never matters. It is never negative, so chance alone adds about
    0.8 * sqrt(BINS * p * (1 - p) / rows).

    Raises:
        ValueError: there are no rows.

    >>> calibration_error(np.array([0.25, 0.25, 0.25, 0.25]), np.array([0.0, 0.0, 0.0, 1.0]))
    0.0
    """
    if not len(probabilities):
        raise ValueError("no rows: a calibration error is a mean over rows")
    values, group = np.unique(probabilities, return_inverse=True)
    shared = np.bincount(group, labels) / np.bincount(group)
    order = np.argsort(group, kind="stable")
    gaps = (shared - values)[group[order]]
    return float(sum(abs(part.sum()) for part in np.array_split(gaps, BINS)) / len(gaps))


def log_loss(probabilities: Floats, labels: Floats) -> float:
    """Return the mean negative log-likelihood, in nats a row."""
    right = np.where(labels > 0.5, probabilities, 1.0 - probabilities)
    return float(-np.log(right).mean())


def area_under_curve(probabilities: Floats, labels: Floats) -> float:
    """Return the chance (0-1) that a row labelled 1 has a higher probability than one labelled 0.

    The area under the ROC curve, by ranks (H. Mann and D. Whitney, 1947); ties count half.

    Raises:
        ValueError: all labels are the same.

    >>> area_under_curve(np.array([0.1, 0.5, 0.5, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    0.875
    """
    ones = float(labels.sum())
    pairs = ones * (len(labels) - ones)
    if not pairs:
        raise ValueError("all labels are the same: there is no pair to compare")
    ranks = rankdata(probabilities)
    return float((ranks @ labels - ones * (ones + 1.0) / 2.0) / pairs)


def fit_platt(logits: Floats, labels: Floats) -> Platt | None:
    """Return shift and slope of largest likelihood, None when no rising line has one.

    J. Platt, Probabilistic outputs for support vector machines, 1999. A line keeps the model a
    logistic regression, so its terms still add up to the logit; isotonic steps would not.
    """
    exog = np.column_stack([np.ones_like(logits), np.clip(logits, -LOGIT_MAX, LOGIT_MAX)])
    fit = newton(exog, labels, np.ones_like(labels), np.zeros(2))
    shift, slope = fit.coefficients.tolist()
    return Platt(shift, slope) if fit.converged and slope > 0 else None
