"""How slates came about: terms that add up to scores, ranks, lifts, for random viewers."""

import numpy as np
import pytest

from domain.packed_ranking import UNIT, unpacked
from domain.ranking.history import make_history
from domain.slates import POOL, build_slates
from domain.sources.labels import LABELS
from domain.sources.registry import COMMON, IS_PERSONAL, NAMES, PERSONAL
from domain.viewer_profile import seen_titles
from schemas.codec import decode, encode
from schemas.slate import PackedRanking, Slate, SlateEntry, SlateRanking
from tests.support import viewers as world

RANKER = world.ranker()
WATCHERS = world.watchers(50)
BUILT = build_slates(RANKER, [each.viewer for each in WATCHERS], world.SHAPE, world.NOW_MS)
SLATES = [decode(Slate, built.value) for built in BUILT]
RANKINGS = [unpacked(slate.packed_ranking, slate.entries) for slate in SLATES]  # type: ignore[arg-type]
ROUNDED = 0.5 / UNIT + 1e-9


def test_every_source_has_a_label_of_its_kind() -> None:
    assert {each.name: each.kind for each in (*PERSONAL, *COMMON)} == {
        name: label.kind for name, label in LABELS.items()
    }
    assert tuple(LABELS) == NAMES


def test_the_bytes_are_those_of_the_codec() -> None:
    assert [encode(slate) for slate in SLATES] == [built.value for built in BUILT]


def test_the_terms_and_the_lift_of_an_entry_add_up_to_its_score() -> None:
    entries = 0
    for slate, ranking in zip(SLATES, RANKINGS, strict=True):
        assert ranking.sources == NAMES
        for entry, terms in zip(slate.entries, ranking.terms, strict=True):
            lift = ranking.lifts.get(entry.content_id, 0.0)
            assert sum(terms) + lift == pytest.approx(entry.score, abs=1e-5)
            entries += 1
    assert entries == len(SLATES) * world.SHAPE.size


def test_terms_are_factors_times_scores_of_the_sources() -> None:
    for watcher, slate, ranking in zip(WATCHERS, SLATES, RANKINGS, strict=True):
        history = make_history(RANKER.content, seen_titles(watcher.viewer.profile)[0])
        scores = RANKER.score(history, ranking.region)
        titles = np.array([RANKER.content.index[entry.content_id] for entry in slate.entries])
        expected = RANKER.matrix(scores, titles).T * scores.factors
        off = np.abs(np.array(ranking.terms) - expected)
        largest = np.abs(expected).argmax(axis=1)
        assert off[np.arange(len(off)), largest].max() < len(NAMES) * ROUNDED  # it takes the rest
        off[np.arange(len(off)), largest] = 0.0
        assert off.max() < ROUNDED
        shares = sum(
            factor * source.shares(history, source.score(RANKER.content, history), titles)
            for source, factor in zip(PERSONAL, scores.factors.tolist(), strict=False)
        )
        for because, column in zip(ranking.because, np.transpose(shares), strict=True):
            best = np.argsort(-column, kind="stable")[:4]
            own = column.sum()
            assert because == {
                RANKER.content.ids[history.titles[entry]]: pytest.approx(column[entry], abs=ROUNDED)
                for entry in best if column[entry] > max(0.05 * own, ROUNDED)
            }  # fmt: skip
            assert list(because.values()) == sorted(because.values(), reverse=True)
    assert any(because for ranking in RANKINGS for because in ranking.because)
    assert sum(IS_PERSONAL) == len(PERSONAL)


def test_the_pool_holds_the_best_by_score_and_most_entries_come_from_it() -> None:
    for watcher, slate, ranking in zip(WATCHERS, SLATES, RANKINGS, strict=True):
        assert len(ranking.pool) == min(POOL, ranking.candidates)
        history = make_history(RANKER.content, seen_titles(watcher.viewer.profile)[0])
        total = RANKER.score(history, ranking.region).total
        exact = {
            name: round(total[RANKER.content.index[name]] + ranking.lifts.get(name, 0.0), 6)
            for name in ranking.pool
        }
        assert list(exact) == sorted(exact, key=lambda name: (-round(exact[name], 5), name))
        assert ranking.pool == pytest.approx(exact, abs=ROUNDED + 1e-5)
        for entry in slate.entries:
            pinned = entry.content_id == "f007"
            if not pinned and entry.recommendation_type != "exploration":
                assert ranking.pool[entry.content_id] == entry.score
    assert {ranking.candidates > POOL for ranking in RANKINGS} == {True, False}


def test_rules_that_act_on_a_title_are_named() -> None:
    contents = {content.content_id: content for content in world.contents()}
    named = set()
    for slate, ranking in zip(SLATES, RANKINGS, strict=True):
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


def an_entry(content_id: str, score: float) -> SlateEntry:
    return SlateEntry(
        content_id=content_id, score=score, recommendation_type="trending", based_on=(),
        explanation="x", generated_at_ms=1, ttl_s=1, model_version="m",
    )  # fmt: skip


PACKED = PackedRanking(
    region="ES", age_max=16, filters=("no-war",), candidates=9,
    sources=("cowatch", "from_next_year"), terms=((300, 100), (0, 0)), causes=("seen-1", "seen-2"),
    because=((1, 250, 0, 50), (0, 0, 0, 0)), lifts={"p": 0.2}, rules={"p": ("boost",)},
    ranks=(2, 0), pool=("a", "b"), drops=(-700, 1000), displaced=("b",),
)  # fmt: skip


def test_what_is_packed_is_given_back() -> None:
    found = unpacked(PACKED, [an_entry("p", 0.600123), an_entry("explored", 0.0)])
    zeros = dict.fromkeys(LABELS, 0.0) | {"from_next_year": 0.0}
    assert [dict(zip(found.sources, terms, strict=True)) for terms in found.terms] == [
        zeros | {"cowatch": 0.300123, "from_next_year": 0.1}, zeros,
    ]  # fmt: skip
    assert found == SlateRanking(
        region="ES", age_max=16, filters=("no-war",), candidates=9,
        sources=found.sources, terms=found.terms, because=({"seen-2": 0.25, "seen-1": 0.05}, {}),
        lifts={"p": 0.2}, rules={"p": ("boost",)}, pool={"a": 0.7, "p": 0.600123, "b": -0.3},
        displaced=("b",),
    )  # fmt: skip
    assert list(found.pool) == ["a", "p", "b"]


def test_terms_that_are_all_below_the_unit_still_add_up() -> None:
    packed = PACKED.model_copy(update={"sources": (), "terms": ((), ()), "lifts": {}})
    found = unpacked(packed, [an_entry("p", 0.0004), an_entry("explored", 0.0)])
    assert [sum(terms) for terms in found.terms] == [0.0004, 0.0]


def test_slates_packed_for_one_size_are_not_read_with_other_entries() -> None:
    with pytest.raises(ValueError, match="zip"):
        unpacked(PACKED, [an_entry("p", 0.6)])
