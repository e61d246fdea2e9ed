"""watch-states, start-scores -> [completion and trends in another process] -> models, features."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.spec import Emit, FitAgent, Record
from agents.start_scores import source_scores
from domain.regression.published import features_of, report_of
from domain.regression.regressors import design_of
from domain.regression.start_store import StartStore
from domain.regression.starts import Starts, decided, labels_of, start_of
from domain.sources.registry import NAMES
from infra.metrics import FIT_KEPT, MODEL_CALIBRATION_ERROR
from infra.settings import Settings
from infra.wall_clock import now_ms
from schemas.codec import decode, encode
from schemas.content_features import ContentFeatures
from schemas.ids import KEY_SEPARATOR
from schemas.model_report import ModelReport
from schemas.start_scores import StartScores
from schemas.watch_state import WatchState
from topics.catalog import CONTENT_FEATURES, MODELS, START_SCORES, WATCH_STATES
from topics.spec import TopicSpec

logger = logging.getLogger(__name__)

COMPLETION = "completion"
FIT_THREADS = 1  # the other cores belong to the stream agents, and sums keep their order
ROWS_MAX = 200_000  # newest decided starts that are fitted: 1 s, and older ones say less


class Fitted(NamedTuple):
    """What the fitting process hands back."""

    report: ModelReport | None  # None: no outcome is known yet
    features: list[ContentFeatures]


def fit_job(version: int, starts: Starts) -> Fitted:
    """Fit the completion model and the trends to the starts whose outcome is known."""
    # Here: only this process needs pandas.
    from domain.regression.completion import fit_calibrated
    from domain.regression.source_scores import score_columns

    fitted_at_ms, began = now_ms(), time.perf_counter()
    known = decided(starts)
    if not known.any():
        return Fitted(None, [])
    rows = np.flatnonzero(known)[-ROWS_MAX:]
    with threadpool_limits(limits=FIT_THREADS):
        scores = score_columns(starts, rows)
        names, matrix = design_of(starts, scores.columns)
        fit = fit_calibrated(names, matrix[rows], labels_of(starts)[rows])
        if scores.note is not None:
            fit = replace(fit, notes=(scores.note, *fit.notes))
        features = list(features_of(version, starts.take(known)))
    seconds = time.perf_counter() - began
    return Fitted(report_of(COMPLETION, version, fit, fitted_at_ms, seconds), features)


class RegressionFitter:
    """Keeps starts; emits the model and the features that differ from those published before.

    What was published is read back from the topics, so a restart publishes nothing twice.
    """

    def __init__(self, settings: Settings) -> None:
        self._store = StartStore(NAMES)
        self._next_offsets: dict[tuple[str, int], int] = {}
        self._changed = False
        self._models: dict[str, ModelReport] = {}
        self._features: dict[str, ContentFeatures] = {}

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in watch states and scores of starts, and what was published."""
        for record in records:
            if record.key is None:
                raise ValueError(f"{topic.name}/{record.partition}@{record.offset} has no key")
            if topic == MODELS:
                _set(self._models, record, ModelReport)
            elif topic == CONTENT_FEATURES:
                _set(self._features, record, ContentFeatures)
            else:
                self._take(topic, record.key.decode(), record)

    def _take(self, topic: TopicSpec, key: str, record: Record) -> None:
        """Set one pair of viewer and title; a tombstone takes it out (erasure)."""
        user_id, _, content_id = key.partition(KEY_SEPARATOR)
        value = record.value
        if topic == WATCH_STATES:
            start = None if value is None else start_of(decode(WatchState, value))
            self._store.put(user_id, content_id, start)
        else:
            scores = None if value is None else source_scores(decode(StartScores, value))
            self._store.put_scores(user_id, content_id, scores)
        self._next_offsets[record.topic, record.partition] = record.offset + 1
        self._changed = True

    def changed(self) -> bool:
        """Whether a watch state or the scores of a start arrived since the last job."""
        return self._changed

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the fit over everything taken in so far."""
        self._changed = False
        return fit_job, (sum(self._next_offsets.values()), self._store.starts())

    def on_fitted(self, result: Fitted) -> list[Emit]:
        """Return what changed, and tombstones for titles that nobody started any more."""
        emits = [] if result.report is None else self._model(result.report)
        features = {row.content_id: row for row in result.features}
        for content_id, row in features.items():
            before = self._features.get(content_id)
            if before is None or not _same_but_for(before, row, "version"):
                emits.append(Emit(CONTENT_FEATURES, content_id.encode(), encode(row), None))
                self._features[content_id] = row
        for content_id in sorted(self._features.keys() - features.keys()):
            del self._features[content_id]
            emits.append(Emit(CONTENT_FEATURES, content_id.encode(), None, None))
        return emits

    def _model(self, report: ModelReport) -> list[Emit]:
        """Return the report to publish: the new one or, if it did not converge, the one before."""
        before = self._models.get(report.name)
        if not report.converged:
            FIT_KEPT.labels(SPEC.name).inc()
            logger.warning("%s: version %d did not converge", report.name, report.version)
            if before is None:
                return []
            kept = f"kept version {before.version}: a later fit did not converge"
            report = before.model_copy(update={"converged": False, "note": kept})
        MODEL_CALIBRATION_ERROR.labels(report.name).set(report.metrics["ece"])
        if before is not None and _same_but_for(
            before, report, "version", "fitted_at_ms", "fit_seconds"
        ):
            return []
        self._models[report.name] = report
        return [Emit(MODELS, report.name.encode(), encode(report), None)]


def _set(rows: dict[str, Any], record: Record, schema: type[Any]) -> None:
    assert record.key is not None
    if record.value is None:
        rows.pop(record.key.decode(), None)
    else:
        rows[record.key.decode()] = decode(schema, record.value)


def _same_but_for(one: ContentFeatures | ModelReport, other: Any, *names: str) -> bool:
    return bool(one.model_copy(update={name: getattr(other, name) for name in names}) == other)


SPEC = FitAgent(
    name="regression",
    sources=(WATCH_STATES, START_SCORES, MODELS, CONTENT_FEATURES),
    emits=(MODELS, CONTENT_FEATURES),
    interval_s=attrgetter("regression_refit_s"),
    create_fitter=RegressionFitter,
)
