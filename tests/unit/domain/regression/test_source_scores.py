"""Scores as regressors: joined to the start of their epoch, neutral where they are not known."""

import numpy as np
import pytest

from domain.regression.regressors import NAMES, design_of
from domain.regression.source_scores import score_columns
from domain.regression.start_store import StartStore
from domain.regression.starts import SourceScores, Starts, start_of
from tests.unit.domain.regression.builders import finished, state

SOURCES = ("near", "new")
NEEDED = 10 * (1 + len(NAMES) + 1 + len(SOURCES))


def starts_of(count: int, scored: range) -> Starts:
    """Starts in order, every other one completed; ``scored`` of them have scores."""
    store = StartStore(SOURCES)
    for number in range(count):
        maker = finished if number % 2 else state
        store.put("u", f"film-{number:04d}", start_of(maker("u", f"film-{number:04d}", number)))
    for number in scored:
        store.put_scores("u", f"film-{number:04d}", SourceScores(0, (0.25, number / 4096)))
    return store.starts()


def test_scores_join_the_start_of_their_pair_and_epoch() -> None:
    store = StartStore(SOURCES)
    for user, content, epoch in (("u", "a", 0), ("u", "b", 1), ("v", "a", 0), ("v", "c", 0)):
        store.put(user, content, start_of(state(user, content, 1, epoch=epoch)))
    scores = {("u", "a"): 0.1, ("u", "b"): 0.2, ("v", "c"): 0.3, ("w", "a"): 0.4}
    for (user, content), score in scores.items():
        store.put_scores(user, content, SourceScores(0, (score, 1.0)))
    found = store.starts()
    assert found.sources == SOURCES
    assert found.scores.shape == (4, 2)
    ids = [found.content_ids[content] for content in found.contents]
    assert ids == ["a", "b", "a", "c"]  # u, u, v, v
    near = found.scores[:, 0].astype(float).round(6)
    assert near[[0, 3]].tolist() == [0.1, 0.3]
    assert np.isnan(near[[1, 2]]).all()  # of an earlier epoch; none
    store.put_scores("u", "a", None)
    assert np.isnan(store.starts().scores[0]).all()
    kept = found.take(np.array([True, False, False, True]))
    assert kept.scores[:, 0].tolist() == found.scores[[0, 3], 0].tolist()


def test_columns_by_hand() -> None:
    starts = starts_of(2 * NEEDED + 2, range(2 * NEEDED))
    found = score_columns(starts, np.arange(len(starts.rows)))
    assert found.note is None
    assert list(found.columns) == ["scores_known", "score_near", "score_new"]
    assert found.columns["scores_known"].tolist() == [1.0] * (2 * NEEDED) + [0.0, 0.0]
    assert found.columns["score_near"].tolist() == [0.25] * (2 * NEEDED) + [0.0, 0.0]
    assert found.columns["score_new"][[0, 8]].tolist() == [0.0, 8 / 4096]
    names, matrix = design_of(starts, found.columns)
    assert names == (*NAMES, *found.columns)
    assert np.isfinite(matrix).all()


@pytest.mark.parametrize(
    ("scored", "fitted"), [(2 * NEEDED - 1, 2 * NEEDED + 2), (2 * NEEDED, 2 * NEEDED - 1)]
)
def test_too_few_fitted_starts_with_scores_give_no_columns_and_say_so(scored, fitted) -> None:
    starts = starts_of(2 * NEEDED + 2, range(scored))
    found = score_columns(starts, np.arange(fitted))
    assert found.columns == {}
    why = f"{NEEDED - 1} of the rarer outcome have them, {NEEDED} are needed"
    assert found.note == f"without source scores: {why}"
