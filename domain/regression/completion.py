"""P(complete | start): a binomial GLM (statsmodels), checked, and straightened where that helps.

P. McCullagh and J. Nelder, Generalized Linear Models, 1989: binomial family, logit link, fitted by
iteratively reweighted least squares on standardised regressors. Scores of ranking sources, of which
many say much the same, have a normal prior: then Newton's method finds the maximum.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

from domain.regression.calibration import Platt, calibration_error, fit_platt, log_loss
from domain.regression.fitted import CompletionFit
from domain.regression.logit import Floats, LogitModel, sigmoid
from domain.regression.ridge import NewtonFit, log_likelihood, newton

OUTCOMES_PER_COEFFICIENT = 10  # of the rarer label: P. Peduzzi et al., J. Clin. Epidemiol. 49, 1996
COLLINEAR_MIN = 1e-8  # share of a column's variance that the columns before it do not explain
CONSTANT_MAX = 1e-9  # standard deviation relative to the largest value
SPAN_MAX = 15.0  # logits between a regressor's extremes, for coefficient and error: odds 3 million
SCORE_PREFIX = "score_"  # begins the name of a column that is the score of a source
SCORE_PENALTY = 300.0  # prior deviation 0.06, standardised: 1 % of what 100,000 rows can say
RIDGE = 1.0  # prior variance 1 of a standardised coefficient, when plain likelihood has no maximum
ITERATIONS_MAX = 50
HOLDOUT_SHARES = (0.6, 0.8)  # learn | straighten | judge, in the order of the rows
HOLDOUT_ROWS_MIN = 500  # in the part that judges: chance alone gives an ECE of 0.06 there


class _Rows(NamedTuple):
    """What is fitted; see ``fit_completion``."""

    names: tuple[str, ...]
    matrix: Floats
    labels: Floats
    weights: Floats


class _Columns(NamedTuple):
    """The regressors that a fit can tell apart, standardised."""

    kept: NDArray[np.intp]
    mean: Floats
    deviation: Floats
    exog: Floats  # rows x (1 + kept), the constant first

    def none(self) -> "_Columns":
        """Return the constant alone."""
        return _Columns(self.kept[:0], self.mean[:0], self.deviation[:0], self.exog[:, :1])


def fit_completion(
    names: Sequence[str], matrix: Floats, labels: Floats, weights: Floats | None = None
) -> CompletionFit:
    """Fit one model; the order of the rows does not matter.

    Args:
        names: one per column, distinct.
        matrix: rows x columns, finite.
        labels: 0 or 1 a row.
        weights: how many times each row counts, finite and > 0; None: once.

    Returns:
        With fewer than ``OUTCOMES_PER_COEFFICIENT`` of the rarer label per coefficient, the model
        is the intercept alone, shrunk by Beta(1, 1): (completed + 1) / (rows + 2).

    Raises:
        ValueError: shapes differ, or a number is not what it must be; the message says which.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    rows = _Rows(tuple(names), matrix, labels, weights)
    _require_usable(rows)
    columns, notes = _usable_columns(rows)
    rarer = min(float(rows.weights @ labels), float(rows.weights @ (1 - labels)))
    needed = OUTCOMES_PER_COEFFICIENT * columns.exog.shape[1]
    if rarer < needed:
        notes.append(f"intercept only: {rarer:g} of the rarer outcome, {needed} are needed")
        columns, fit = columns.none(), _intercept_only(rows)
    else:
        fit, how = _fit_varying(columns, rows)
        notes += how
    return _result(rows, columns, fit, notes)


def fit_calibrated(names: Sequence[str], matrix: Floats, labels: Floats) -> CompletionFit:
    """Fit all rows, in order of start, and measure the calibration on rows not learned from.

    A model of the first 60 % predicts the rest. Platt's line is fitted to the next 20 % and applied
    to the result only if it lowers the calibration error of the last 20 %, so the error reported is
    the better of two. With fewer than
    ``HOLDOUT_ROWS_MIN`` rows there, the fitted rows themselves are measured.

    Raises:
        ValueError: see ``fit_completion``.
    """
    fit = fit_completion(names, matrix, labels)
    first, second = (int(share * len(labels)) for share in HOLDOUT_SHARES)
    if len(labels) - second < HOLDOUT_ROWS_MIN:
        return fit
    past = fit_completion(names, matrix[:first], labels[:first])
    logits, judged = past.model.logits(matrix[first:]), labels[second:]
    to_learn, to_judge = logits[: second - first], logits[second - first :]
    error = calibration_error(sigmoid(to_judge), judged)
    # Of a model that was made otherwise (other columns, a ridge) the line says nothing about ours.
    platt = fit_platt(to_learn, labels[first:second]) if past.notes == fit.notes else None
    if platt is not None:
        straight = platt.straighten(to_judge)
        if calibration_error(sigmoid(straight), judged) < error:
            fit, to_judge = _straightened(fit, platt, matrix, labels), straight
    probabilities = sigmoid(to_judge)
    return replace(
        fit,
        calibration_error=calibration_error(probabilities, judged),
        log_loss=log_loss(probabilities, judged),
        held_out=True,
        converged=fit.converged and past.converged,
    )


def _straightened(
    fit: CompletionFit, platt: Platt, matrix: Floats, labels: Floats
) -> CompletionFit:
    """Return the fit of ``shift + slope * logit``, the line taken as known without error."""
    model = fit.model.rescaled(*platt)
    standardised = platt.slope * fit.standardised
    standardised[0] += platt.shift
    return replace(
        fit,
        model=model,
        standard_errors=platt.slope * fit.standard_errors,
        standardised=standardised,
        log_likelihood=log_likelihood(model.logits(matrix), labels, np.ones_like(labels)),
        notes=(*fit.notes, f"straightened: {platt.shift:.4f} + {platt.slope:.4f} logit"),
    )


def _require_usable(rows: _Rows) -> None:
    """Refuse what cannot be fitted, with the reason."""
    names, matrix, labels, weights = rows
    if len(set(names)) != len(names):
        raise ValueError(f"names are not distinct: {', '.join(names)}")
    if matrix.shape != (len(labels), len(names)) or weights.shape != labels.shape:
        raise ValueError(
            f"{len(names)} names, {len(labels)} labels and {len(weights)} weights do not fit a "
            f"matrix of shape {matrix.shape}"
        )
    if not len(labels):
        raise ValueError("there are no rows")
    wrong = np.argwhere(~np.isfinite(matrix))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ValueError(f"{names[column]} is {matrix[row, column]} in row {row}")
    if not np.isin(labels, (0.0, 1.0)).all():
        raise ValueError("labels are 0 or 1")
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights are finite and greater than 0")


def _usable_columns(rows: _Rows) -> tuple[_Columns, list[str]]:
    """Standardise, and drop columns that are constant or follow from the columns before them."""
    names, matrix, _, weights = rows
    notes: list[str] = []
    total = weights.sum()
    mean = weights @ matrix / total
    deviation = np.sqrt(weights @ (matrix - mean) ** 2 / total)
    varies = deviation > CONSTANT_MAX * np.abs(matrix).max(axis=0)
    scaled = (matrix - mean) / np.where(varies, deviation, 1.0)
    correlations = (scaled * weights[:, None]).T @ scaled / total
    kept: list[int] = []
    for column in range(len(names)):
        if not varies[column]:
            notes.append(f"dropped {names[column]}: constant")
            continue
        own = correlations[np.ix_(kept, [column])]
        explained = float((own.T @ np.linalg.solve(correlations[np.ix_(kept, kept)], own)).sum())
        if 1.0 - explained < COLLINEAR_MIN:
            notes.append(f"dropped {names[column]}: follows from the regressors before it")
        else:
            kept.append(column)
    index = np.array(kept, dtype=np.intp)
    exog = np.column_stack([np.ones(len(matrix)), scaled[:, index]])
    return _Columns(index, mean[index], deviation[index], exog), notes


def _intercept_only(rows: _Rows) -> NewtonFit:
    """Return the logit of the posterior mean under Beta(1, 1), with its delta-method variance."""
    total = float(rows.weights.sum()) + 2.0
    share = (float(rows.weights @ rows.labels) + 1.0) / total
    logit = np.log(share / (1.0 - share))
    variance = 1.0 / (total * share * (1.0 - share))
    return NewtonFit(np.array([logit]), np.array([[variance]]), converged=True)


def _fit_varying(columns: _Columns, rows: _Rows) -> tuple[NewtonFit, list[str]]:
    """Return the maximum of the likelihood, or of the penalised one where that is wanted or none.

    It is wanted with scores of sources, and there is no other when outcomes are separated.
    """
    exog, labels, weights = columns.exog, rows.labels, rows.weights
    is_score = [rows.names[column].startswith(SCORE_PREFIX) for column in columns.kept.tolist()]
    penalties = SCORE_PENALTY * np.array([False, *is_score])
    notes = []
    if any(is_score):
        fit: NewtonFit | None = newton(exog, labels, weights, penalties)
        notes.append(f"prior {SCORE_PENALTY:g} on standardised source scores")
    else:
        fit = _fit_plain(exog, rows)
    if fit is None or _is_unbounded(exog, fit):
        penalties[1:] = np.maximum(penalties[1:], RIDGE)
        fit = newton(exog, labels, weights, penalties)
        notes.append(
            f"ridge {RIDGE:g} on standardised coefficients: separated outcomes leave one unbounded"
        )
    return fit, notes


def _fit_plain(exog: Floats, rows: _Rows) -> NewtonFit | None:
    """Fit by statsmodels; None when it finds that the outcomes are separated."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", PerfectSeparationWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)  # told by ``converged``
        try:
            found = GLM(rows.labels, exog, family=Binomial(), freq_weights=rows.weights).fit(
                maxiter=ITERATIONS_MAX
            )
        except PerfectSeparationWarning:
            return None
        coefficients, covariance = np.asarray(found.params), np.asarray(found.cov_params())
    return NewtonFit(coefficients, covariance, bool(found.converged))


def _is_unbounded(exog: Floats, fit: NewtonFit) -> bool:
    """Return whether the maximum is no maximum.

    Separated only in part, the fit "converges" on the way to infinity: far out, and unsure of it.
    """
    if not np.isfinite(fit.covariance).all():
        return True
    ranges = np.ptp(exog[:, 1:], axis=0)
    errors = np.sqrt(np.diag(fit.covariance))[1:]
    runaway = np.minimum(np.abs(fit.coefficients[1:]), errors) * ranges > SPAN_MAX
    return bool(runaway.any())


def _result(rows: _Rows, columns: _Columns, fit: NewtonFit, notes: list[str]) -> CompletionFit:
    """Return the fit on the scale of the regressors as they came."""
    names, matrix, labels, weights = rows
    kept = columns.kept
    # (intercept, slopes) = back @ standardised: x' = (x - mean) / deviation, solved for x.
    back = np.diag(np.concatenate([[1.0], 1.0 / columns.deviation]))
    back[0, 1:] = -columns.mean / columns.deviation
    values = back @ fit.coefficients
    errors = np.sqrt(np.diag(back @ fit.covariance @ back.T))
    coefficients = np.zeros(len(names))
    standard_errors, standardised = np.full(len(names) + 1, np.nan), np.zeros(len(names) + 1)
    places = np.concatenate([[0], kept + 1])
    coefficients[kept] = values[1:]
    standard_errors[places], standardised[places] = errors, fit.coefficients
    model = LogitModel(names, float(values[0]), coefficients)
    logits = model.logits(matrix)
    probabilities = sigmoid(logits)
    return CompletionFit(
        model=model,
        standard_errors=standard_errors,
        standardised=standardised,
        rows=len(labels),
        log_likelihood=log_likelihood(logits, labels, weights),
        calibration_error=calibration_error(probabilities, labels),
        log_loss=log_loss(probabilities, labels),
        held_out=False,
        converged=fit.converged,
        notes=tuple(notes),
    )
