"""Fits and trends -> the records that are published of them, rounded; and back to a model."""

import math
from collections.abc import Iterator

import numpy as np

from domain.regression.fitted import CompletionFit
from domain.regression.logit import LogitModel
from domain.regression.starts import Starts
from domain.regression.trends import content_trends
from schemas.content_features import ContentFeatures
from schemas.model_report import Coefficient, ModelReport

INTERCEPT = "intercept"
DIGITS = 6  # significant ones: far below every standard error, above the noise of summation
RATE_DECIMALS = 4  # of shares 0-1
SLOPE_DECIMALS = 6  # of progress per day


def report_of(
    name: str, version: int, fit: CompletionFit, fitted_at_ms: int, fit_seconds: float
) -> ModelReport:
    """Return the report of a converged fit.

    Args:
        name: of the model.
        version: sum of the source offsets that were fitted.
        fit: what was found.
        fitted_at_ms: when the fit began, Unix milliseconds.
        fit_seconds: how long it took.
    """
    model = fit.model
    values = [model.intercept, *model.coefficients.tolist()]
    coefficients = [
        Coefficient(
            name=each, value=rounded(value), standard_error=None if math.isnan(se) else rounded(se)
        )
        for each, value, se in zip(
            (INTERCEPT, *model.names), values, fit.standard_errors.tolist(), strict=True
        )
    ]
    notes = fit.notes if fit.held_out else (*fit.notes, "measured on the fitted rows: too few")
    metrics = {
        "ece": fit.calibration_error, "log_loss": fit.log_loss,
        "log_likelihood": fit.log_likelihood, "deviance": fit.deviance,
    }  # fmt: skip
    return ModelReport(
        name=name,
        version=version,
        fitted_at_ms=fitted_at_ms,
        fit_seconds=round(fit_seconds, 3),
        rows=fit.rows,
        converged=fit.converged,
        equation=model.equation(),
        coefficients=tuple(coefficients),
        metrics={key: rounded(value) for key, value in metrics.items()},
        note="; ".join(notes) or None,
    )


def model_of(report: ModelReport) -> LogitModel:
    """Return the model that a report describes.

    Raises:
        ValueError: its first coefficient is not the intercept.
    """
    intercept, *others = report.coefficients
    if intercept.name != INTERCEPT:
        raise ValueError(f"{report.name}: the first coefficient is {intercept.name}")
    return LogitModel(
        tuple(each.name for each in others),
        intercept.value,
        np.array([each.value for each in others], dtype=np.float64),
    )


def features_of(version: int, starts: Starts) -> Iterator[ContentFeatures]:
    """Yield the features of each content that has starts, by content id; give decided starts."""
    trends = content_trends(starts)
    rates = [part.round(RATE_DECIMALS).tolist() for part in trends.rate]
    slopes = [part.round(SLOPE_DECIMALS).tolist() for part in trends.trend]
    for content in np.flatnonzero(trends.starts).tolist():
        rate, low, high = (part[content] for part in rates)
        slope, slope_low, slope_high = (_known(part[content]) for part in slopes)
        yield ContentFeatures(
            content_id=starts.content_ids[content],
            version=version,
            starts=int(trends.starts[content]),
            completions=int(trends.completions[content]),
            first_started_at_ms=int(trends.since_ms[content]),
            completion_rate=rate,
            completion_rate_low=low,
            completion_rate_high=high,
            progress_slope_per_day=slope,
            progress_slope_low=slope_low,
            progress_slope_high=slope_high,
        )


def rounded(value: float) -> float:
    """Return ``value`` with ``DIGITS`` significant digits.

    >>> rounded(-12345.678)
    -12345.7
    """
    return float(f"{value:.{DIGITS}g}")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
