"""The regression agent: starts in, a model and changed features out, the last good model kept."""

import pickle
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from agents.regression import SPEC, RegressionFitter
from agents.spec import Emit, Record
from agents.start_scores import source_scores
from domain.regression.completion import SCORE_PREFIX
from domain.regression.published import INTERCEPT, model_of
from domain.regression.regressors import NAMES
from domain.regression.source_scores import KNOWN
from domain.sources.registry import NAMES as SOURCES
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content_features import ContentFeatures
from schemas.model_report import ModelReport
from schemas.start_scores import StartScores
from schemas.watch_state import WatchState
from tests.unit.domain.regression.builders import finished, state
from topics.catalog import CONTENT_FEATURES, MODELS, START_SCORES, WATCH_STATES
from topics.spec import TopicSpec


def taken(value: Any, offset: int, partition: int = 0) -> Record:
    return Record(
        WATCH_STATES.name, partition, offset, 0, WATCH_STATES.key_of(value), encode(value)
    )


def watched(viewers: int = 60, titles: int = 20) -> list[Record]:
    """Starts of a title a day and viewer; even viewers finish most, odd ones few."""
    rng = np.random.default_rng(11)
    records = []
    for viewer in range(viewers):
        for title in range(titles):
            done = rng.random() < (0.8 if viewer % 2 == 0 else 0.2)
            maker = finished if done else state
            hour = 24 * title + viewer / 10
            value = maker(f"viewer-{viewer}", f"film-{(viewer + title) % titles}", hour)
            records.append(taken(value, viewer // 2 * titles + title, viewer % 2))
    return records


def scored(records: list[Record], **fields: Any) -> list[Record]:
    """Scores of some starts; those of ``genre`` tell how each will end, though not surely."""
    rng = np.random.default_rng(12)
    found = []
    for record in records:
        state_ = decode(WatchState, record.value)
        scores = dict.fromkeys(SOURCES, 0.0)
        scores["genre"] = round(0.3 * state_.completed + 0.7 * rng.random(), 6)
        scores["era"] = round(rng.random(), 6)
        value = StartScores.model_validate(
            {"user_id": state_.user_id, "content_id": state_.content_id, "epoch": 0}
            | {"scores": scores}
            | fields
        )
        key = START_SCORES.key_of(value)
        offset = record.offset
        found.append(Record(START_SCORES.name, record.partition, offset, 0, key, encode(value)))
    return found


def run(fitter: RegressionFitter) -> list[Emit]:
    """One fit as the runtime does it: everything crosses a process boundary."""
    function, arguments = pickle.loads(pickle.dumps(fitter.job()))
    return fitter.on_fitted(pickle.loads(pickle.dumps(function(*arguments))))


def fitted(records: list[Record], *published: tuple[TopicSpec, list[Record]]):
    fitter = RegressionFitter(Settings())
    for topic, rows in published:
        fitter.on_replica(topic, rows)
    fitter.on_replica(WATCH_STATES, records)
    return fitter, run(fitter)


def reports(emits: list[Emit]) -> list[ModelReport]:
    return [decode(ModelReport, emit.value) for emit in emits if emit.topic == MODELS]


def features(emits: list[Emit]) -> dict[str, ContentFeatures | None]:
    return {
        emit.key.decode(): emit.value and decode(ContentFeatures, emit.value)
        for emit in emits
        if emit.topic == CONTENT_FEATURES
    }


def as_records(emits: list[Emit], topic: TopicSpec) -> list[Record]:
    own = [emit for emit in emits if emit.topic == topic]
    return [
        Record(topic.name, 0, offset, 0, emit.key, emit.value) for offset, emit in enumerate(own)
    ]


RECORDS = watched()


def test_a_model_and_a_row_per_title_are_published() -> None:
    fitter = RegressionFitter(Settings())
    assert not fitter.changed()
    fitter.on_replica(WATCH_STATES, RECORDS)
    assert fitter.changed()
    emits = run(fitter)
    assert not fitter.changed()
    (report,) = reports(emits)
    assert (report.name, report.version, report.converged) == ("completion", len(RECORDS), True)
    assert [each.name for each in report.coefficients] == [INTERCEPT, *NAMES]
    found = {each.name: each for each in report.coefficients}
    habit = found["viewer_completion_logit"]
    assert habit.value > 4 * habit.standard_error  # viewers differ, and that is found
    assert found["rewatch"].standard_error is None
    assert "dropped rewatch: constant" in report.note
    assert 0 < report.metrics["ece"] < 0.2
    assert REGISTRY.get_sample_value(
        "mg_model_calibration_error", {"model": "completion"}
    ) == pytest.approx(report.metrics["ece"])
    rows = features(emits)
    assert len(rows) == 20
    assert sum(row.starts for row in rows.values()) == report.rows
    model = model_of(report)
    assert 0 < model.predict(np.zeros((1, len(NAMES))))[0] < 1


def test_the_newest_day_is_not_decided() -> None:
    _, emits = fitted([taken(finished("u", "a", 0), 0), taken(finished("u", "b", 30), 1)])
    assert set(features(emits)) == {"a"}
    (report,) = reports(emits)
    assert report.rows == 1
    assert "intercept only" in report.note


def test_nothing_decided_publishes_nothing() -> None:
    assert fitted([taken(finished("u", "a", 0), 0)])[1] == []


def test_decisions_without_playback_are_no_starts() -> None:
    fitter, emits = fitted([taken(state("u", "a", None, hidden=True), 0)])
    assert emits == []
    assert not fitter.changed()


def test_nothing_new_emits_nothing_and_a_new_start_only_what_it_changes() -> None:
    fitter, _ = fitted(RECORDS)
    fitter.on_replica(WATCH_STATES, RECORDS)
    assert run(fitter) == []
    fitter.on_replica(WATCH_STATES, [taken(finished("viewer-x", "film-3", 100), 5000)])
    emits = run(fitter)
    assert set(features(emits)) == {"film-3"}
    assert len(reports(emits)) == 1


def test_order_across_partitions_does_not_change_the_rows() -> None:
    _, one = fitted(RECORDS)
    by_partition = sorted(RECORDS, key=lambda record: -record.partition)
    _, other = fitted(by_partition)
    assert told(one) == told(other)


def test_a_restart_publishes_nothing_twice() -> None:
    _, emits = fitted(RECORDS)
    published = [(topic, as_records(emits, topic)) for topic in (MODELS, CONTENT_FEATURES)]
    fitter, again = fitted(RECORDS, *published)
    assert again == []
    assert not fitter.changed()


def test_erasure_takes_the_viewer_out_and_titles_that_nobody_else_started() -> None:
    alone = finished("viewer-x", "film-x", 3)
    fitter, emits = fitted([*RECORDS, taken(alone, 5000)])
    assert features(emits)["film-x"].starts == 1
    erased = taken(alone, 5001)._replace(value=None)
    fitter.on_replica(WATCH_STATES, [erased])
    assert features(run(fitter))["film-x"] is None


def told(emits: list[Emit]) -> list[Any]:
    """What was published, but for when."""
    same = {"fitted_at_ms": 0, "fit_seconds": 0.0}
    timeless = [report.model_copy(update=same) for report in reports(emits)]
    return [*timeless, sorted(features(emits).items())]


def test_scores_of_sources_become_regressors_with_standard_errors() -> None:
    _, emits = fitted(RECORDS, (START_SCORES, scored(RECORDS)))
    (report,) = reports(emits)
    names = [each.name for each in report.coefficients]
    assert names == [INTERCEPT, *NAMES, KNOWN, *(SCORE_PREFIX + name for name in SOURCES)]
    found = {each.name: each for each in report.coefficients}
    assert found["score_genre"].value > 4 * found["score_genre"].standard_error
    assert abs(found["score_era"].value) < 3 * found["score_era"].standard_error
    assert "dropped scores_known: constant" in report.note  # all are
    assert "dropped score_cast: constant" in report.note
    (without,) = reports(fitted(RECORDS)[1])
    assert report.metrics["log_loss"] < without.metrics["log_loss"] - 0.02
    assert report.version == without.version + len(RECORDS)


def test_starts_without_scores_count_and_get_an_intercept_of_their_own() -> None:
    _, emits = fitted(RECORDS, (START_SCORES, scored(RECORDS[200:])))
    (report,) = reports(emits)
    (whole,) = reports(fitted(RECORDS)[1])
    assert report.rows == whole.rows
    found = {each.name: each for each in report.coefficients}
    assert found[KNOWN].standard_error is not None
    assert found["score_genre"].value > 4 * found["score_genre"].standard_error


@pytest.mark.parametrize(
    "fields",
    [
        {"epoch": 1},  # of another watch
        {"scores": dict.fromkeys(SOURCES[1:], 0.5)},  # from before a source was added
    ],
)
def test_scores_that_are_not_of_the_start_or_of_all_sources_do_not_count(fields) -> None:
    _, emits = fitted(RECORDS, (START_SCORES, scored(RECORDS, **fields)))
    (report,) = reports(emits)
    assert [each.name for each in report.coefficients] == [INTERCEPT, *NAMES]
    assert report.note.startswith("without source scores: 0 of the rarer outcome")


def test_a_source_that_is_gone_is_left_out() -> None:
    (record, *_) = scored(RECORDS)
    value = decode(StartScores, record.value)
    older = value.model_copy(update={"scores": {"gone": 0.5, **value.scores}})
    assert source_scores(older) == source_scores(value)


def test_it_does_not_matter_which_of_states_and_scores_come_first() -> None:
    scores = scored(RECORDS[200:])
    expected = told(fitted(RECORDS, (START_SCORES, scores))[1])
    late = RegressionFitter(Settings())
    late.on_replica(WATCH_STATES, RECORDS[:600])
    late.on_replica(START_SCORES, scores[:900])
    run(late)  # nothing depends on a fit in between
    late.on_replica(START_SCORES, scores[900:])
    late.on_replica(WATCH_STATES, RECORDS[600:])
    again = RegressionFitter(Settings())
    again.on_replica(WATCH_STATES, RECORDS)
    again.on_replica(START_SCORES, scores)
    assert told(run(again)) == expected
    report, *_ = told(run(late))
    assert report == expected[0]


def test_erased_scores_are_forgotten() -> None:
    scores = scored(RECORDS)
    fitter, _ = fitted(RECORDS, (START_SCORES, scores))
    erased = [record._replace(value=None) for record in scores]
    fitter.on_replica(START_SCORES, erased)
    assert fitter.changed()
    (report,) = reports(run(fitter))
    assert [each.name for each in report.coefficients] == [INTERCEPT, *NAMES]


def not_converged() -> float:
    return REGISTRY.get_sample_value("mg_fit_not_converged_total", {"agent": "regression"}) or 0.0


def test_a_fit_that_does_not_converge_keeps_the_last_good_one_and_says_so_once() -> None:
    fitter, emits = fitted(RECORDS)
    (good,) = reports(emits)
    function, arguments = fitter.job()
    result = function(*arguments)
    bad = result.report.model_copy(
        update={"converged": False, "version": good.version + 7, "equation": "logit P = 99"}
    )
    before = not_converged()
    (kept,) = reports(fitter.on_fitted(result._replace(report=bad)))
    assert kept.model_copy(update={"converged": True, "note": good.note}) == good
    assert not kept.converged
    assert kept.note == f"kept version {good.version}: a later fit did not converge"
    assert fitter.on_fitted(result._replace(report=bad)) == []
    assert not_converged() == before + 2
    (recovered,) = reports(fitter.on_fitted(result))
    assert recovered.converged


def test_without_a_good_one_nothing_is_published() -> None:
    fitter = RegressionFitter(Settings())
    fitter.on_replica(WATCH_STATES, RECORDS)
    function, arguments = fitter.job()
    result = function(*arguments)
    bad = result.report.model_copy(update={"converged": False})
    assert reports(fitter.on_fitted(result._replace(report=bad))) == []


def test_a_record_without_key_is_refused() -> None:
    fitter = RegressionFitter(Settings())
    with pytest.raises(ValueError, match="has no key"):
        fitter.on_replica(WATCH_STATES, [RECORDS[0]._replace(key=None)])


def test_the_agent_is_declared() -> None:
    assert SPEC.sources == (WATCH_STATES, START_SCORES, MODELS, CONTENT_FEATURES)
    assert SPEC.emits == (MODELS, CONTENT_FEATURES)
    assert SPEC.interval_s(Settings(regression_refit_s=7.0)) == 7.0
