"""Slates: exclusion, blending, true reasons, ties, and bytes equal to the codec's."""

import random

import numpy as np
import pytest

from domain.slate_index import ContentSide
from domain.slates import SlateRules, Viewer, build_slates, canonical_slate
from domain.viewer_profile import ViewerProfile
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.slate import Slate
from schemas.trending import TrendingEntry, TrendingPartial

RULES = SlateRules(size=5, ttl_s=60)
NEIGHBOURS = {
    "a": {"b": 0.5, "c": 0.25, "x": 0.125},
    "d": {"b": 0.25, "c": 0.5, "e": 0.125},
    "e": {"f": 0.5, "a": 0.4},
}


def content(content_id: str, kind: str = "movie") -> Content:
    return Content.model_validate(
        {"content_id": content_id, "type": kind, "title": content_id.upper(), "updated_at_ms": 0}
    )


def trending(scores: dict[str, float], region: str = "ZZ") -> TrendingPartial:
    return TrendingPartial(
        shard="0", as_of_ms=1000, half_life_ms=1000,
        entries=tuple(
            TrendingEntry(content_id=name, region=region, score=value, viewers=1)
            for name, value in scores.items()
        ),
    )  # fmt: skip


def side(titles: str = "abcdefgxyz", popular: dict[str, float] | None = None) -> ContentSide:
    found = ContentSide()
    for title in titles:
        found.put_content(content(title))
    for title, row in NEIGHBOURS.items():
        found.put_neighbours(title, 7, list(row), list(row.values()))
    found.put_trending(trending(popular or {}))
    return found


def profile(*given: dict) -> ViewerProfile:
    found = ViewerProfile()
    for number, fields in enumerate(given, 1):
        found.merge(
            Interaction.model_validate(
                {
                    "interaction_id": f"i{number}", "user_id": "u", "kind": "completed",
                    "epoch": 0, "progress": 1.0, "occurred_at_ms": number * 10,
                    "event_id": f"e{number}", "source_offset": number,
                }
                | fields
            )
        )  # fmt: skip
    return found


def slate(of: ContentSide, given: ViewerProfile, rules: SlateRules = RULES) -> Slate:
    (value,) = build_slates(of, [Viewer("u", given)], rules, 5000)
    found = decode(Slate, value)
    assert encode(found) == value
    return found


def ids(found: Slate) -> list[str]:
    return [entry.content_id for entry in found.entries]


def test_cowatch_scores_and_reasons_by_hand() -> None:
    found = slate(side(), profile({"content_id": "a"}, {"content_id": "d", "progress": 0.5,
                                                        "kind": "progressed"}))  # fmt: skip
    # weights: a 1.0, d 0.5, both doubled as recent: b 1.25, c 1.0, e 0.125, x 0.25; scaled by 1.25
    assert [(entry.content_id, entry.score) for entry in found.entries] == [
        ("b", 1.0), ("c", 0.8), ("x", 0.2), ("e", 0.1),
    ]  # fmt: skip
    best, second, third, _ = found.entries
    assert (best.recommendation_type, best.based_on) == ("collaborative", ("a", "d"))
    assert best.explanation == "Because you watched A"
    assert second.based_on == ("a", "d")  # equal terms of 0.5: by content id
    assert third.based_on == ("a",)
    assert (best.title, best.ttl_s, best.generated_at_ms) == ("B", 60, 5000)
    assert (found.as_of_ms, found.newest_event_id, found.source_offset) == (20, "e2", 2)
    assert found.model_version == best.model_version == "cowatch-7"


def test_what_is_excluded() -> None:
    of = side()
    of.put_content(content("b", "episode"))
    of.remove_content("c")
    found = slate(
        of,
        profile(
            {"content_id": "a"}, {"content_id": "d"}, {"content_id": "x", "kind": "hidden"},
            {"content_id": "e", "kind": "started", "progress": 0.0},
        ),
    )  # fmt: skip
    assert ids(found) == []
    of.put_content(content("c"))
    assert ids(slate(of, profile({"content_id": "a"}))) == ["c", "x"]


def test_titles_without_content_are_not_recommended() -> None:
    assert ids(slate(side("ab", {"q": 1.0}), profile({"content_id": "a"}))) == ["b"]


def test_disliked_titles_are_no_evidence() -> None:
    disliked = profile({"content_id": "a"}, {"content_id": "a", "kind": "rated", "rating": 1.0})
    assert ids(slate(side(), disliked)) == []


def test_liked_without_watching_is_said_so() -> None:
    liked = profile({"content_id": "a", "kind": "rated", "rating": 5.0, "progress": 0.0})
    assert slate(side(), liked).entries[0].explanation == "Because you liked A"


def test_cold_start_is_trending_and_evidence_blends_in() -> None:
    of = side(popular={"y": 8.0, "z": 4.0, "b": 2.0})
    cold = slate(of, profile({"content_id": "g", "kind": "started", "progress": 0.0}))
    assert [(e.content_id, e.score) for e in cold.entries] == [("y", 1.0), ("z", 0.5), ("b", 0.25)]
    assert {entry.recommendation_type for entry in cold.entries} == {"trending"}
    assert cold.entries[0].based_on == ("trending",)
    assert cold.entries[0].explanation == "Trending now"

    one = slate(of, profile({"content_id": "a"}))
    # one title: co-watch has 0.18 and trending 0.82 of the weight
    assert {e.content_id: e.score for e in one.entries} == pytest.approx(
        {"y": 0.82, "z": 0.41, "b": 0.18 + 0.82 / 4, "c": 0.09, "x": 0.045}
    )
    hybrid = one.entries[2]
    assert (hybrid.content_id, hybrid.recommendation_type) == ("b", "hybrid")
    assert (hybrid.based_on, hybrid.explanation) == (("trending", "a"), "Trending now")
    many = slate(of, profile(*({"content_id": title} for title in "acdeg")))
    assert ids(many)[0] == "b"
    assert many.entries[0].explanation.startswith("Because you watched ")


def test_trending_of_the_viewers_region_first() -> None:
    of = side()
    of.put_trending(trending({"y": 1.0}, "DE"))
    of.put_trending(trending({"z": 1.0}, "FR").model_copy(update={"shard": "1"}))
    of.rebuild_trending()
    at_home = profile({"content_id": "g", "kind": "started", "progress": 0.0, "region": "FR"})
    assert ids(slate(of, at_home)) == ["z"]
    abroad = profile({"content_id": "g", "kind": "started", "progress": 0.0, "region": "US"})
    assert ids(slate(of, abroad)) == ["y", "z"]


def test_ties_by_content_id_and_size() -> None:
    of = ContentSide()
    names = [f"t{number:02d}" for number in range(30)]
    for name in random.Random(5).sample(names, len(names)):
        of.put_content(content(name))
    of.put_neighbours("t00", 1, names[1:], [0.5] * 29)
    assert ids(slate(of, profile({"content_id": "t00"}))) == names[1:6]


def big_side(seed: int) -> ContentSide:
    """The same contents and weights whatever the seed; it decides the order of arrival."""
    rng = np.random.default_rng(1)
    names = [f"t{number:03d}" for number in range(200)]
    rows = {name: (list(rng.permutation(names)[:30]), list(rng.random(30))) for name in names}
    of = ContentSide()
    order = np.random.default_rng(seed).permutation(names)
    for name in order:
        of.put_content(content(str(name)))
    for name in reversed(order):
        of.put_neighbours(str(name), 1, [str(each) for each in rows[name][0]], rows[name][1])
    of.put_trending(trending({name: 1 + number % 7 for number, name in enumerate(names[:50])}))
    return of


def viewers() -> list[Viewer]:
    rng = random.Random(9)
    return [
        Viewer(f"u{n}", profile(*({"content_id": f"t{rng.randrange(200):03d}"} for _ in range(n))))
        for n in range(40)
    ]


def test_the_same_bytes_whatever_the_batch_and_the_order_of_arrival() -> None:
    one = build_slates(big_side(1), viewers(), RULES, 5)
    other = big_side(2)
    assert [build_slates(other, [viewer], RULES, 5)[0] for viewer in viewers()] == one


def test_reasons_are_the_largest_terms_of_a_dense_product() -> None:
    of = big_side(3)
    matrix = np.zeros((200, 200))
    for source in range(200):
        terms = of.terms([of.index[f"t{source:03d}"]], np.ones(1))
        matrix[source, [int(of.ids[target][1:]) for target in terms.targets]] = terms.values
    for viewer in viewers()[6:]:
        weights = np.zeros(200)
        newest = sorted(viewer.profile.titles.items(), key=lambda each: (-each[1][0], each[0]))
        for place, (title, _) in enumerate(newest):
            weights[int(title[1:])] = 2.0 if place < 20 else 1.0
        for entry in slate(of, viewer.profile).entries:
            terms = weights * matrix[:, int(entry.content_id[1:])]
            best = [f"t{j:03d}" for j in np.lexsort((np.arange(200), -terms))[:2] if terms[j] > 0]
            assert [each for each in entry.based_on if each != "trending"] == best
            assert entry.content_id not in viewer.profile.titles


def test_canonical_slate_drops_only_the_times_of_generation() -> None:
    viewer = Viewer("u", profile({"content_id": "a"}))
    (early,) = build_slates(side(), [viewer], RULES, 1)
    (late,) = build_slates(side(), [viewer], RULES, 2)
    assert early != late
    assert canonical_slate(early) == canonical_slate(late)
    (other,) = build_slates(side(), [Viewer("u", profile({"content_id": "d"}))], RULES, 1)
    assert canonical_slate(other) != canonical_slate(early)
