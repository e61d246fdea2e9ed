"""A fitted logistic regression as it is served: plain numpy, no statsmodels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOGIT_MAX = 30.0  # e^-30 = 1e-13: beyond it a double's 1 - p loses its digits, and 0 or 1 is near


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + e^-logit) in (0, 1); logits beyond +-``LOGIT_MAX`` count as that.

    >>> sigmoid(np.array([0.0, 1000.0])).tolist()
    [0.5, 0.9999999999999065]
    """
    bounded: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -LOGIT_MAX, LOGIT_MAX)))
    return bounded


@dataclass(frozen=True, slots=True)
class LogitModel:
    """``logit P = intercept + sum(coefficients * row)``.

    ``coefficients`` has one number per name, on the scale of the regressors as they come.
    """

    names: tuple[str, ...]
    intercept: float
    coefficients: Floats

    def logits(self, matrix: Floats) -> Floats:
        """Return the logit of each row of ``matrix`` (rows x names)."""
        # A sum and not ``matrix @ coefficients``: BLAS adds in another order than ``terms`` says.
        logits: Floats = self.intercept + (matrix * self.coefficients).sum(axis=1)
        return logits

    def predict(self, matrix: Floats) -> Floats:
        """Return the probability of each row of ``matrix`` (rows x names), in (0, 1)."""
        return sigmoid(self.logits(matrix))

    def terms(self, row: Floats) -> Floats:
        """Return what each regressor adds; ``intercept + terms.sum()`` is the logit exactly."""
        terms: Floats = row * self.coefficients
        return terms

    def rescaled(self, shift: float, slope: float) -> "LogitModel":
        """Return the model of ``shift + slope * logit``."""
        return LogitModel(
            self.names, float(shift + slope * self.intercept), slope * self.coefficients
        )

    def equation(self) -> str:
        """Return the model as text, five significant digits; regressors without effect left out.

        >>> LogitModel(("runtime_log", "weekend"), -1.0, np.array([0.25, 0.0])).equation()
        'logit P = -1 + 0.25 runtime_log'
        """
        parts = [
            f" {'-' if value < 0 else '+'} {abs(value):.5g} {name}"
            for name, value in zip(self.names, self.coefficients.tolist(), strict=True)
            if value
        ]
        return f"logit P = {self.intercept:.5g}{''.join(parts)}"
