"""Scoring: totals are the blend of the sources, ranks settle ties, what is kept is forgotten."""

import numpy as np
import pytest

from domain.ranking.history import make_history
from domain.ranking.scoring import Ranker, rank_of
from domain.ranking.value_model import EVIDENCE_FULL
from domain.seen import Seen
from domain.sources.registry import COMMON, NAMES, PERSONAL
from tests.support.ranking import (
    completed,
    model_of,
    put_row,
    random_side,
    side_of,
    slate_of,
    title,
    trending,
)

SEEN = {f"t{number:02d}": Seen(number, 1.0, engaged=True) for number in range(9)}


def test_a_total_is_the_sum_of_weight_times_score_by_scale() -> None:
    of = random_side()
    model = model_of({name: number % 3 + 0.5 for number, name in enumerate(NAMES)})
    model.scales[:] = np.linspace(0.1, 0.9, len(NAMES))
    history = make_history(of, SEEN)
    ranker = Ranker(of, model)
    scores = ranker.score(history, "ZZ")
    everything = np.stack(
        [source.score(of, history).scores for source in PERSONAL]
        + [source.score(of, "ZZ") for source in COMMON]
    )
    assert scores.total == pytest.approx((model.weights[1] / model.scales) @ everything, rel=1e-12)
    personal = slice(0, len(PERSONAL))
    factors = model.weights[1] / model.scales
    assert scores.own == pytest.approx(factors[personal] @ everything[personal], rel=1e-12)
    titles = np.array([4, 7, 20])
    assert np.array_equal(ranker.matrix(scores, titles), everything[:, titles])
    parts = factors[len(PERSONAL) :, np.newaxis] * everything[len(PERSONAL) :, titles]
    assert ranker.common_parts(scores, titles) == pytest.approx(parts)


def test_evidence_counts_titles_and_not_episodes() -> None:
    of = random_side()
    episodes = {f"e{number:02d}": Seen(number, 1.0, engaged=True) for number in (0, 3, 6)}
    ranker = Ranker(of, model_of(warm={"popular": 1.0}, cold={"like_rate": 1.0}))
    assert ranker.score(make_history(of, episodes)).evidence == 1
    assert ranker.score(make_history(of, episodes | SEEN)).evidence == 10
    refused = {"t00": Seen(5, 0.0, engaged=False)}
    assert ranker.score(make_history(of, refused)).evidence == 0
    warm = ranker.score(make_history(of, SEEN))
    assert warm.evidence > EVIDENCE_FULL
    assert np.array_equal(warm.total, COMMON[3].score(of, None))


def test_what_is_kept_is_forgotten_at_a_refresh_and_when_titles_come() -> None:
    of = side_of(map(title, "abc"))
    ranker, history = Ranker(of, model_of({"popular": 1.0})), make_history(of, {})
    assert ranker.score(history).total.tolist() == [0.0, 0.0, 0.0]
    of.statistics.add(of.index["b"], 0, 1, 0)
    assert ranker.score(history).total.tolist() == [0.0, 0.0, 0.0]
    ranker.refresh()
    assert ranker.score(history).total.tolist() == [0.0, 1.0, 0.0]
    of.put_content(title("d"))
    assert ranker.score(history).total.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert ranker.id_order().tolist() == [0, 1, 2, 3]


def test_titles_that_trend_before_anybody_named_them_are_scored_too() -> None:
    of = side_of(map(title, "ab"))
    put_row(of, "a", b=0.5)
    of.put_trending(trending({"new": 3.0, "b": 1.0}))
    scores = Ranker(of, model_of({"cowatch": 1.0, "trending": 1.0})).score(make_history(of, {}))
    assert len(scores.total) == len(scores.own) == len(of.ids) == 3


def test_ranks_count_who_is_ahead_and_settle_ties_by_content_id() -> None:
    of = side_of(map(title, ["d", "b", "a", "c", "e"]))
    total = np.array([2.0, 2.0, 9.0, 2.0, 1.0])
    candidates = np.array([0, 1, 3, 4])  # a is not one of them
    ranks = {of.ids[each]: rank_of(total, candidates, int(each), of) for each in candidates}
    assert ranks == {"b": 0, "c": 1, "d": 2, "e": 3}
    assert rank_of(total, np.arange(5), 1, of) == 1


def test_the_version_says_what_was_fitted_and_learned() -> None:
    of = side_of(map(title, "ab"))
    put_row(of, "a", b=0.5)
    of.model_version = 41
    model = model_of({"cowatch": 1.0})
    model.learned = 7
    assert slate_of(of, completed("a"), model).model_version == "cowatch-41.value-7"
