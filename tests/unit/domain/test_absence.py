"""Why titles are absent: each reason by hand, and every title of random viewers' slates."""

from collections import Counter

import numpy as np
import pytest

from domain.absence import Served, rank_of, why_absent
from domain.availability import is_available
from domain.packed_ranking import unpacked
from domain.ranking.curation import lift
from domain.ranking.history import make_history
from domain.ranking.scoring import Ranker
from domain.slates import POOL, Viewer, build_slates
from domain.viewer_profile import seen_titles
from schemas.codec import decode
from schemas.content import Availability, Content
from schemas.slate import Slate, SlateRanking
from tests.support import viewers as world
from tests.support.ranking import title
from tests.support.viewers import NOW_MS, SHAPE, state

RANKING = SlateRanking(
    region="ES", age_max=16, filters=("no-swedish",), candidates=4, sources=(), terms=(),
    because=(), pool={"a": 0.9, "b": 0.8, "c": 0.7}, displaced=("b",), rules={"c": ("bury",)},
)  # fmt: skip
SERVED = Served(NOW_MS, 1, RANKING, world.rules()[2:3])
X = title("x", maturity_rating="G", updated_at_ms=NOW_MS)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"hidden": True, "dismissed": True}, "hidden"),
        ({"dismissed": True, "completions": 1}, "dismissed"),
        ({"completed": True}, "watched"),
        ({"completions": 1, "resumable": True}, "watched"),
        ({"resumable": True, "started_at_ms": 1}, "in_progress"),
        ({"started_at_ms": 1, "rating": 1.0}, "begun"),
        ({"rating": 1.0}, "rated"),
    ],
)
def test_what_the_viewer_did_is_the_first_reason(fields: dict, reason: str) -> None:
    found = why_absent(X, [state("u", "x"), state("u", "x", **fields)], SERVED)
    assert found.reason == reason
    assert "x" not in found.explanation.split(": ")
    of_a_part = why_absent(X, [state("u", "xe1", **fields)], SERVED)
    assert (of_a_part.reason, of_a_part.explanation.split(": ")[1]) == (reason, "xe1")


def test_a_decision_about_any_part_counts_before_what_was_watched() -> None:
    states = [state("u", "xe1", completions=1), state("u", "x", hidden=True)]
    assert why_absent(X, states, SERVED).reason == "hidden"


@pytest.mark.parametrize(
    ("content", "reason", "rules"),
    [
        (title("x", "episode"), "part_of", ()),
        (title("x", updated_at_ms=NOW_MS + 1, maturity_rating="R"), "newer_than_slate", ()),
        (
            X.model_copy(update={"availability": (Availability(partner="p", region="DE"),)}),
            "not_available", (),
        ),
        (
            X.model_copy(update={"availability": (Availability(partner="p", until_at_ms=NOW_MS),)}),
            "not_available", (),
        ),
        (title("x", maturity_rating="R"), "maturity", ()),
        (title("x", language="sv"), "maturity", ()),
        (X.model_copy(update={"language": "sv"}), "filtered", ("no-swedish",)),
        (X, "below_pool", ()),
        (title("a", maturity_rating="R"), "diversity", ()),
        (title("b"), "displaced", ()),
        (title("c"), "rank", ("bury",)),
    ],
)  # fmt: skip
def test_the_first_rule_or_the_rank(content, reason: str, rules: tuple[str, ...]) -> None:
    found = why_absent(content, [state("u", "x")], SERVED)
    assert (found.reason, found.rules) == (reason, rules)


def test_a_pool_of_all_candidates_says_that_nothing_speaks_for_others() -> None:
    everything = RANKING.model_copy(update={"candidates": 3})
    found = why_absent(X, [], SERVED._replace(ranking=everything))
    assert found.reason == "nothing_speaks_for_it"


def test_what_was_not_recorded_is_said_to_be_unknown() -> None:
    assert why_absent(X, [], SERVED._replace(ranking=None)).reason == "not_recorded"
    assert why_absent(X, [], SERVED._replace(filters=())).reason == "not_recorded"
    unrated = title("x")
    assert why_absent(unrated, [], SERVED._replace(filters=())).reason == "maturity"


def test_ranks_begin_with_one() -> None:
    assert [rank_of(name, RANKING) for name in "acx"] == [1, 3, None]


class Oracle:
    """What each step of making a slate does to each title of one viewer, computed from nothing."""

    def __init__(self, ranker: Ranker, without_pins: Ranker, viewer: Viewer) -> None:
        self.content = content = ranker.content
        self.region = region = viewer.profile.region[1] or None
        seen, excluded = seen_titles(viewer.profile)
        scores = ranker.score(make_history(content, seen), region)
        size = len(scores.total)
        self.touched = {content.ids[each] for each in content.homes_of(excluded)}
        allowed = content.recommendable[:size].copy()
        allowed[content.homes_of(excluded)] = False
        self.shown = content.hard_rules.allowed(region, SHAPE.age_max, NOW_MS, size).copy()
        effect = content.ranking_rules.effect(region, NOW_MS, size)
        assert effect.kept is not None
        self.kept = effect.kept[:size]
        allowed &= self.shown & self.kept
        total = lift(scores.total, allowed, effect).total
        supported = ranker.supported(region)[:size] | (scores.own > 0.0)
        scored = sorted(
            (-round(float(total[each]), 6), content.ids[each])
            for each in np.flatnonzero(allowed & supported)
        )
        self.ranks = {name: rank for rank, (_, name) in enumerate(scored, 1)}
        plain = SHAPE._replace(exploration=0.0)
        (built,) = build_slates(without_pins, [viewer], plain, NOW_MS)
        self.chosen = {entry.content_id for entry in decode(Slate, built.value).entries}

    def reasons(self, content: Content) -> set[str]:
        """The reasons that are true of an absent title; what a viewer did has several."""
        number = self.content.index[content.content_id]
        rank = self.ranks.get(content.content_id, POOL + 1)
        if not self.content.recommendable[number]:
            return {"part_of"}
        if content.content_id in self.touched:
            return {"hidden", "dismissed", "watched", "in_progress", "begun", "rated"}
        if not self.shown[number]:
            available = is_available(content, self.region, NOW_MS)
            return {"maturity" if available else "not_available"}
        if not self.kept[number]:
            return {"filtered"}
        if rank > POOL:
            return {"below_pool" if len(self.ranks) > POOL else "nothing_speaks_for_it"}
        if content.content_id in self.chosen:
            return {"displaced"}
        return {"diversity" if rank <= SHAPE.size else "rank"}


def test_every_absent_title_of_random_viewers_has_a_true_reason() -> None:
    ranker, without_pins = world.ranker(), world.ranker()
    without_pins.content.ranking_rules.remove("pin-films")
    contents = {content.content_id: content for content in world.contents()}
    filters = {rule.rule_id: rule for rule in world.rules()}
    found: Counter[str] = Counter()
    for watcher in world.watchers(50):
        (built,) = build_slates(ranker, [watcher.viewer], SHAPE, NOW_MS)
        slate = decode(Slate, built.value)
        assert slate.packed_ranking is not None
        ranking = unpacked(slate.packed_ranking, slate.entries)
        shown = {entry.content_id for entry in slate.entries}
        oracle = Oracle(ranker, without_pins, watcher.viewer)
        assert ranking.candidates == len(oracle.ranks)
        by_home: dict[str, list] = {}
        for each in watcher.states:
            home = ranker.content.rollup.homes[ranker.content.index[each.content_id]]
            by_home.setdefault(ranker.content.ids[home], []).append(each)
        served = Served(
            NOW_MS, len(slate.entries), ranking, [filters[each] for each in ranking.filters]
        )
        for name, content in contents.items():
            number = ranker.content.index[name]
            is_home = ranker.content.rollup.homes[number] == number
            if name in shown or not is_home:
                continue
            absence = why_absent(content, by_home.get(name, []), served)
            assert absence.reason in oracle.reasons(content), name
            rank = rank_of(name, ranking)
            assert rank is None or rank == oracle.ranks[name]
            found[absence.reason] += 1
    assert set(found) == {
        "part_of", "hidden", "dismissed", "watched", "in_progress", "begun", "rated", "displaced",
        "diversity", "rank", "not_available", "maturity", "filtered", "below_pool",
        "nothing_speaks_for_it",
    }  # fmt: skip
