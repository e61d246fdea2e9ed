"""How slates came about: terms that add up to scores, ranks, lifts, for random viewers."""

import numpy as np
import pytest

from domain.ranking.history import make_history
from domain.slates import POOL, build_slates
from domain.sources.labels import LABELS
from domain.sources.registry import COMMON, IS_PERSONAL, NAMES, PERSONAL
from domain.viewer_profile import seen_titles
from schemas.codec import decode, encode
from schemas.slate import Slate
from tests.support import viewers as world

RANKER = world.ranker()
WATCHERS = world.watchers(50)
BUILT = build_slates(RANKER, [each.viewer for each in WATCHERS], world.SHAPE, world.NOW_MS)
SLATES = [decode(Slate, built.value) for built in BUILT]


def test_every_source_has_a_label_of_its_kind() -> None:
    assert {each.name: each.kind for each in (*PERSONAL, *COMMON)} == {
        name: label.kind for name, label in LABELS.items()
    }
    assert tuple(LABELS) == NAMES


def test_the_bytes_are_those_of_the_codec() -> None:
    assert [encode(slate) for slate in SLATES] == [built.value for built in BUILT]


def test_the_terms_and_the_lift_of_an_entry_add_up_to_its_score() -> None:
    entries = 0
    for slate in SLATES:
        assert slate.ranking is not None
        assert slate.ranking.sources == NAMES
        for entry, terms in zip(slate.entries, slate.ranking.terms, strict=True):
            lift = slate.ranking.lifts.get(entry.content_id, 0.0)
            assert sum(terms) + lift == pytest.approx(entry.score, abs=1e-5)
            entries += 1
    assert entries == len(SLATES) * world.SHAPE.size


def test_terms_are_factors_times_scores_of_the_sources() -> None:
    for watcher, slate in zip(WATCHERS, SLATES, strict=True):
        assert slate.ranking is not None
        history = make_history(RANKER.content, seen_titles(watcher.viewer.profile)[0])
        scores = RANKER.score(history, slate.ranking.region)
        titles = np.array([RANKER.content.index[entry.content_id] for entry in slate.entries])
        expected = RANKER.matrix(scores, titles).T * scores.factors
        assert np.array(slate.ranking.terms) == pytest.approx(expected, abs=1e-6)
        shares = sum(
            factor * source.shares(history, scored, titles)
            for source, scored, factor in zip(
                PERSONAL, scores.personal, scores.factors.tolist(), strict=False
            )
        )
        for because, column in zip(slate.ranking.because, np.transpose(shares), strict=True):
            best = np.argsort(-column, kind="stable")[:4]
            own = column.sum()
            assert because == {
                RANKER.content.ids[history.titles[entry]]: pytest.approx(column[entry], abs=1e-6)
                for entry in best if column[entry] > 0.05 * own
            }  # fmt: skip
            assert list(because.values()) == sorted(because.values(), reverse=True)
    assert any(because for slate in SLATES for because in slate.ranking.because)  # type: ignore[union-attr]
    assert sum(IS_PERSONAL) == len(PERSONAL)


def test_the_pool_holds_the_best_by_score_and_most_entries_come_from_it() -> None:
    for slate in SLATES:
        ranking = slate.ranking
        assert ranking is not None
        assert len(ranking.pool) == min(POOL, ranking.candidates)
        ordered = sorted(ranking.pool.items(), key=lambda each: (-each[1], each[0]))
        assert list(ranking.pool.items()) == ordered
        for entry in slate.entries:
            pinned = entry.content_id == "f007"
            if not pinned and entry.recommendation_type != "exploration":
                assert ranking.pool[entry.content_id] == entry.score
    assert {slate.ranking.candidates > POOL for slate in SLATES} == {True, False}  # type: ignore[union-attr]


def test_rules_that_act_on_a_title_are_named() -> None:
    contents = {content.content_id: content for content in world.contents()}
    named = set()
    for slate in SLATES:
        ranking = slate.ranking
        assert ranking is not None
        assert ("spain" in ranking.filters) == (ranking.region == "ES")
        assert "no-swedish" in ranking.filters
        ids = {*ranking.pool, *(entry.content_id for entry in slate.entries)}
        for content_id in ids:
            genres = contents[content_id].genres
            pinned = content_id == "f007" and slate.entries[2].content_id == content_id
            assert ranking.rules.get(content_id, ()) == (
                *(["pin-films"] if pinned else []),
                *(["boost-war"] if "War" in genres else []),
                *(["bury-romance"] if "Romance" in genres else []),
            )
            named |= {*ranking.rules.get(content_id, ())}
            lift = ranking.lifts.get(content_id, 0.0)
            assert np.sign(lift) == np.sign(0.5 * ("War" in genres) - ("Romance" in genres))
    assert named == {"boost-war", "bury-romance", "pin-films"}
