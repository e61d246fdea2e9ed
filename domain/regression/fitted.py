"""What a fit of the completion model found."""

from dataclasses import dataclass

import numpy as np

from domain.regression.logit import Floats, LogitModel


@dataclass(frozen=True, slots=True, eq=False)
class CompletionFit:
    """A fitted model and what is known about it.

    Attributes:
        model: what predicts; a dropped regressor has the coefficient 0.
        standard_errors: intercept first, then one per name; NaN for a dropped regressor. From the
            inverse information; from the penalised one where ``notes`` say "ridge" or "prior".
        standardised: coefficients per standard deviation of each regressor, intercept first.
        rows: rows that were fitted.
        log_likelihood: weighted, in nats; ``deviance`` is -2 times it, as labels are 0 or 1.
        calibration_error: of rows that nothing was learned from; of the fitted rows themselves when
            ``held_out`` is False. See ``calibration_error``; ``log_loss`` likewise.
        held_out: whether it was measured on other rows.
        converged: the likelihood's maximum was found; False: keep the model from before.
        notes: what was done to the data and why, for people.
    """

    model: LogitModel
    standard_errors: Floats
    standardised: Floats
    rows: int
    log_likelihood: float
    calibration_error: float
    log_loss: float
    held_out: bool
    converged: bool
    notes: tuple[str, ...]

    @property
    def deviance(self) -> float:
        """Twice the log-likelihood that a perfect prediction would have more."""
        return -2.0 * self.log_likelihood

    @property
    def z(self) -> Floats:
        """Coefficients in standard errors, intercept first; NaN for a dropped regressor."""
        values = np.concatenate([[self.model.intercept], self.model.coefficients])
        scores: Floats = values / self.standard_errors
        return scores
