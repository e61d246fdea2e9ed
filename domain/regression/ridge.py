"""Penalised logistic regression by Newton's method, for data on which plain likelihood has no top.

Perfectly or quasi-separated rows push a coefficient to infinity. A quadratic penalty (a normal
prior) makes the objective strictly concave: one finite maximum, whatever the rows (S. le Cessie and
J. van Houwelingen, Ridge Estimators in Logistic Regression, Applied Statistics 41, 1992).
"""

from typing import NamedTuple

import numpy as np

from domain.regression.logit import LOGIT_MAX, Floats, sigmoid

ITERATIONS_MAX = 100
HALVINGS_MAX = 30
GAIN_MIN = 1e-10  # of the objective, relative: below it the maximum is reached


class NewtonFit(NamedTuple):
    """Coefficients (columns,), their covariance (columns x columns), and whether it got there."""

    coefficients: Floats
    covariance: Floats
    converged: bool


def newton(exog: Floats, labels: Floats, weights: Floats, penalties: Floats) -> NewtonFit:
    """Maximise ``sum(weights * log-likelihood) - sum(penalties * coefficients^2) / 2``.

    Args:
        exog: rows x columns, the constant column included.
        labels: 0 or 1 a row.
        weights: how many times each row counts, > 0.
        penalties: one a column, >= 0; 0 leaves the column free.

    Returns:
        The covariance is the inverse of the penalised information at the maximum: the Laplace
        approximation of a posterior, smaller than that of an unpenalised fit.
    """
    coefficients = np.zeros(exog.shape[1])
    value = _objective(exog, labels, weights, penalties, coefficients)
    converged = False
    for _ in range(ITERATIONS_MAX):
        slope, information = _derivatives(exog, labels, weights, penalties, coefficients)
        step = np.linalg.lstsq(information, slope, rcond=None)[0]
        for _ in range(HALVINGS_MAX):
            tried = _objective(exog, labels, weights, penalties, coefficients + step)
            if tried >= value:
                break
            step = step / 2
        else:  # no step gains anything: numerically at the top, where it is flat
            converged = True
            break
        gain, value, coefficients = tried - value, tried, coefficients + step
        if gain <= GAIN_MIN * (abs(value) + 1):
            converged = True
            break
    _, information = _derivatives(exog, labels, weights, penalties, coefficients)
    covariance = np.linalg.pinv(information, hermitian=True).astype(np.float64)
    return NewtonFit(coefficients, covariance, converged)


def log_likelihood(logits: Floats, labels: Floats, weights: Floats) -> float:
    """Return the weighted sum of ``label * logit - log(1 + e^logit)``."""
    return float(weights @ (labels * logits - np.logaddexp(0.0, logits)))


def _objective(
    exog: Floats, labels: Floats, weights: Floats, penalties: Floats, coefficients: Floats
) -> float:
    likelihood = log_likelihood(exog @ coefficients, labels, weights)
    return likelihood - float(penalties @ coefficients**2) / 2


def _derivatives(
    exog: Floats, labels: Floats, weights: Floats, penalties: Floats, coefficients: Floats
) -> tuple[Floats, Floats]:
    """Return the gradient and the negative Hessian."""
    mean = sigmoid(np.clip(exog @ coefficients, -LOGIT_MAX, LOGIT_MAX))
    gradient = exog.T @ (weights * (labels - mean)) - penalties * coefficients
    information = exog.T @ (exog * (weights * mean * (1 - mean))[:, None]) + np.diag(penalties)
    return gradient, information
