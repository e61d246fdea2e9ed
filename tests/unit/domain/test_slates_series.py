"""Slates of a catalogue with series: parts count for their series, versions for their original."""

import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ranking.scoring import Ranker
from domain.slate_index import COWATCH, ContentSide
from domain.slates import SlateRules, Viewer
from domain.sources.registry import first_model
from domain.trending_table import TRENDING_MAX
from domain.viewer_profile import ViewerProfile
from schemas.content import Content
from tests.support.ranking import (
    completed,
    ids_of,
    model_of,
    profile,
    put_row,
    side_of,
    slate_of,
    title,
    trending,
    values_of,
)

STRANGER = {"content_id": "elsewhere", "kind": "started", "progress": 0.0}
TASTE_AND_TRENDING = model_of({"cowatch": 1.0, "trending": 1.0})


def episode(content_id: str, series_id: str | None) -> Content:
    return title(content_id, "episode", series_id=series_id)


CATALOGUE = [
    title("film"), title("other"), title("cut", version_of="film"),
    title("show", "series"), title("s1", "season", series_id="show"),
    episode("e1", "show"), episode("e2", "show"), title("e2x", "episode", version_of="e2"),
    title("saga", "series"), episode("g1", "saga"), episode("g2", "saga"),
]  # fmt: skip


def side(*contents: Content) -> ContentSide:
    return side_of(contents or CATALOGUE)


def scores(of: ContentSide, *given: dict) -> dict[str, float]:
    found = slate_of(of, profile(*given), TASTE_AND_TRENDING)
    return {entry.content_id: entry.score for entry in found.entries}


def trends(largest: float, **totals: float) -> dict[str, float]:
    """Scores by trending alone: logarithms, scaled by the largest."""
    return pytest.approx(
        {name: math.log1p(total) / math.log1p(largest) for name, total in totals.items()}, abs=1e-6
    )


def tastes(**sums: float) -> dict[str, float]:
    """Scores by co-watch alone: ``x / (0.1 + x)``."""
    return pytest.approx({name: total / (0.1 + total) for name, total in sums.items()}, abs=1e-6)


def test_trending_episodes_seasons_and_versions_add_up_at_the_top() -> None:
    of = side()
    of.put_trending(
        trending({"e1": 2.0, "e2": 1.0, "e2x": 0.5, "s1": 0.5, "film": 2.5, "cut": 0.5, "g1": 2.0})
    )
    assert scores(of, STRANGER) == trends(4.0, show=4.0, film=3.0, saga=2.0)


def test_trending_is_rolled_up_within_the_viewers_region() -> None:
    of = side()
    of.put_trending(trending({"e1": 2.0, "g1": 1.0}, "DE"))
    of.put_trending(trending({"g1": 1.0, "g2": 1.0}, "FR", shard="1"))
    assert scores(of, STRANGER | {"region": "DE"}) == trends(2.0, show=2.0, saga=1.0)
    assert scores(of, STRANGER | {"region": "FR"}) == trends(2.0, saga=2.0)
    assert scores(of, STRANGER) == trends(3.0, saga=3.0, show=2.0)


def test_trending_is_rolled_up_before_the_places_are_counted() -> None:
    """No episode has a place of its own, their series has the first."""
    films = {f"f{n:03d}": 2.0 for n in range(TRENDING_MAX)}
    episodes = {f"x{n}": 1.0 for n in range(3)}
    of = side(title("show", "series"), *map(title, films), *(episode(e, "show") for e in episodes))
    of.put_trending(trending(films | episodes))
    popular = of.trending(None)
    assert len(popular.titles) == TRENDING_MAX
    assert [of.ids[popular.titles[place]] for place in (0, 1, -1)] == ["show", "f000", "f498"]
    assert popular.scores[0] == 3.0


def test_neighbours_that_are_episodes_count_for_their_series_by_sum() -> None:
    of = side()
    put_row(of, "film", other=0.5, e1=0.4, e2=0.3, e2x=0.1, g1=0.2)
    assert scores(of, {"content_id": "film"}) == tastes(show=0.8, other=0.5, saga=0.2)


def test_the_row_of_an_episode_is_used_for_who_watched_it_and_named_by_its_series() -> None:
    of = side()
    put_row(of, "e1", other=0.5, e2=0.4, g1=0.3)
    put_row(of, "show", film=0.9)
    found = slate_of(of, completed("e1"), TASTE_AND_TRENDING)
    assert ids_of(found) == ["other", "saga"]
    assert {entry.based_on for entry in found.entries} == {("e1",)}
    assert {entry.explanation for entry in found.entries} == {"Because you watched SHOW"}
    rated = profile({"content_id": "e1", "kind": "rated", "rating": 5.0, "progress": 0.0})
    liked = slate_of(of, rated, TASTE_AND_TRENDING)
    assert liked.entries[0].explanation == "Because you liked SHOW"


def test_a_watched_version_is_named_by_its_own_title() -> None:
    of = side()
    put_row(of, "cut", other=0.5)
    (entry,) = slate_of(of, completed("cut"), TASTE_AND_TRENDING).entries
    assert (entry.based_on, entry.explanation) == (("cut",), "Because you watched CUT")


def test_reasons_are_whole_contributions_and_named_once() -> None:
    of = side()
    put_row(of, "film", e1=0.3, e2=0.3)
    put_row(of, "g1", e1=0.5)
    put_row(of, "other", e1=0.1, e2=0.1)
    found = slate_of(of, completed("film", "g1", "other"), TASTE_AND_TRENDING)
    assert [(entry.content_id, entry.based_on) for entry in found.entries] == [
        ("show", ("film", "g1"))
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "started", "progress": 0.0}, {"kind": "progressed", "progress": 0.5},
        {"kind": "completed"}, {"kind": "abandoned", "progress": 0.1},
        {"kind": "dismissed", "epoch": 0}, {"kind": "hidden", "epoch": 0},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("touched", "gone"),
    [("e1", "show"), ("s1", "show"), ("e2x", "show"), ("show", "show"), ("cut", "film")],
)
def test_what_has_a_touched_part_or_version_is_left_out(
    touched: str, gone: str, fields: dict
) -> None:
    of = side()
    of.put_trending(trending({"e2": 3.0, "film": 2.0, "g1": 1.0}))
    put_row(of, "other", e1=0.5, cut=0.5, g1=0.1)
    found = scores(of, {"content_id": "other"}, {"content_id": touched} | fields)
    assert set(found) == {"show", "film", "saga"} - {gone}


def test_a_restored_episode_gives_the_series_back() -> None:
    of = side()
    of.put_trending(trending({"e1": 1.0}))
    decisions = [{"content_id": "e1", "kind": kind} for kind in ("dismissed", "restored")]
    assert scores(of, *decisions[:1]) == {}
    assert scores(of, *decisions) == {"show": 1.0}


def test_parts_and_versions_themselves_are_never_recommended() -> None:
    of = side()
    put_row(of, "other", **{content.content_id: 0.5 for content in CATALOGUE})
    assert set(scores(of, {"content_id": "other"})) == {"film", "show", "saga"}


def test_an_episode_before_its_series_counts_from_when_the_series_is_known() -> None:
    of = side(episode("e1", "show"))
    of.put_trending(trending({"e1": 1.0}))
    of.rebuild_trending()
    assert scores(of, STRANGER) == {}
    of.put_content(title("show", "series"))
    assert of.trending_stale
    of.rebuild_trending()
    assert scores(of, STRANGER) == {"show": 1.0}


def test_a_removed_series_is_gone_at_once_and_its_name_too() -> None:
    of = side()
    of.put_trending(trending({"e1": 2.0, "g1": 1.0}))
    put_row(of, "e1", other=0.5)
    assert scores(of, STRANGER) == trends(2.0, show=2.0, saga=1.0)
    of.remove_content("show")
    assert set(scores(of, STRANGER)) == {"saga"}
    (entry, _) = slate_of(of, completed("e1"), TASTE_AND_TRENDING).entries
    assert (entry.content_id, entry.based_on[-1]) == ("other", "e1")
    put_row(of, "e1", saga=9.0)
    viewer = completed("e1", "film", "other", "cut")
    named = slate_of(of, viewer, TASTE_AND_TRENDING)
    assert named.entries[0].explanation == "Because you watched E1"
    of.remove_content("e1")
    named = slate_of(of, viewer, TASTE_AND_TRENDING)
    assert named.entries[0].explanation == "Because you watched e1"


def test_an_episode_that_moves_takes_its_views_and_its_exclusion_along() -> None:
    of = side()
    of.put_trending(trending({"e1": 2.0, "g1": 1.0}))
    of.put_content(episode("e1", "saga"))
    of.rebuild_trending()
    assert scores(of, STRANGER) == {"saga": 1.0}
    of.put_trending(trending({"e2": 2.0, "g1": 1.0}))
    of.rebuild_trending()
    assert scores(of, {"content_id": "e1"}) == {"show": 1.0}


def test_a_version_of_an_unknown_title_stands_for_itself_or_its_series() -> None:
    of = side(
        title("cut", version_of="lost"), title("show", "series"),
        title("ex", "episode", version_of="lost-too", series_id="show"),
    )  # fmt: skip
    of.put_trending(trending({"cut": 2.0, "ex": 1.0}))
    assert scores(of, STRANGER) == trends(2.0, cut=2.0, show=1.0)


def test_a_circle_counts_for_its_smallest_id_until_it_is_broken() -> None:
    of = side(title("b", version_of="a"), title("c", version_of="b"), title("a", version_of="b"))
    of.put_trending(trending({"a": 1.0, "b": 1.0, "c": 1.0}))
    assert scores(of, STRANGER) == {"a": 1.0}
    of.put_content(title("b"))
    of.rebuild_trending()
    assert scores(of, STRANGER) == {"b": 1.0}
    of.put_content(title("b", version_of="b"))
    assert scores(of, {"content_id": "c", "kind": "hidden"}) == {}


def test_what_was_known_once_is_no_evidence() -> None:
    def of(*once: str) -> ContentSide:
        found = side()
        put_row(found, "film", other=0.5)
        found.put_trending(trending({"g1": 1.0}))
        for content_id in once:
            found.put_content(title(content_id))
            put_row(found, content_id, lost=0.5)
            found.remove_content(content_id)
            found.remove_row(COWATCH, content_id)
        return found

    watched = completed("film", "gone", "lost")
    warming_up = model_of(warm={"cowatch": 1.0}, cold={"trending": 1.0})
    assert slate_of(of("gone"), watched, warming_up) == slate_of(of(), watched, warming_up)


IDS = [f"{kind}{n}" for kind in "mse" for n in range(4)]
KINDS = {"m": "movie", "s": "series", "e": "episode"}


@st.composite
def records(draw: st.DrawFn) -> list[tuple[str, Content | None]]:
    """Several records a title, in a drawn order; None removes. Links may be wrong or circular."""
    found = []
    link = st.none() | st.sampled_from([*IDS, "never"])
    for content_id in draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=30)):
        kind = draw(st.sampled_from([KINDS[content_id[0]], "season", "episode"]))
        series_id, version_of = draw(link), draw(st.none() | link)
        genres = tuple(draw(st.sets(st.sampled_from(["Crime", "Love", "War"]))))
        content = title(content_id, kind, series_id=series_id, version_of=version_of, genres=genres)
        found.append((content_id, draw(st.sampled_from([content, content, content, None]))))
    return found


def naive_home(content_id: str, contents: dict[str, Content]) -> str:
    """Follow links one by one, from nothing."""
    path = [content_id]
    while content := contents.get(path[-1]):
        series_id = content.series_id if content.type in {"season", "episode"} else None
        above = [each for each in (content.version_of, series_id) if each in contents]
        if not above:
            break
        if above[0] in path:
            return min(path[path.index(above[0]) :])
        path.append(above[0])
    return path[-1]


def slates_of(
    arriving: list[tuple[str, Content | None]], given: list[ViewerProfile], between: int
) -> list[bytes]:
    """Slates after all records; slates are also built after ``between`` of them, for the caches."""
    of = ContentSide()
    for number, watched in enumerate(IDS[::2]):
        put_row(
            of, watched, **{each: 0.1 + 0.07 * ((number + n) % 6) for n, each in enumerate(IDS)}
        )
    of.put_trending(trending({each: 1.0 + place % 3 for place, each in enumerate(IDS)}))
    viewers = [Viewer(f"u{number}", each) for number, each in enumerate(given)]
    ranker, rules = Ranker(of, first_model()), SlateRules(size=5, ttl_s=60)
    for place, (content_id, content) in enumerate(arriving):
        if place == between:
            values_of(ranker, viewers, rules)
        if content is None:
            of.remove_content(content_id)
        else:
            of.put_content(content)
    if of.trending_stale:
        of.rebuild_trending()
    ranker.refresh()
    final = {key: content for key, content in dict(arriving).items() if content is not None}
    for each in IDS:
        assert of.ids[of.rollup.homes[of.index[each]]] == naive_home(each, final)
    return values_of(ranker, viewers, rules)


@settings(max_examples=150)
@given(records(), st.data())
def test_slates_are_a_function_of_the_final_contents(
    arriving: list[tuple[str, Content | None]], data: st.DataObject
) -> None:
    """Any order of all titles' records gives the slates of the last ones alone."""
    given = [completed(*data.draw(st.lists(st.sampled_from(IDS)))) for _ in range(3)]
    queues: dict[str, list[Content | None]] = {}
    for content_id, content in arriving:
        queues.setdefault(content_id, []).append(content)
    shuffled = [  # records of one title keep their order, as in their partition
        (content_id, queues[content_id].pop(0))
        for content_id in data.draw(st.permutations([key for key, _ in arriving]))
    ]
    between = data.draw(st.integers(0, len(arriving)))
    last = [(key, content) for key, content in sorted(dict(arriving).items()) if content]
    expected = slates_of(last, given, -1)
    assert slates_of(arriving, given, between) == expected
    assert slates_of(shuffled, given, between) == expected
    for value in expected:
        entries = [entry["content_id"] for entry in orjson.loads(value)["entries"]]
        assert len(entries) == len(set(entries))


def test_an_absorbed_title_leaves_the_slates_and_counts_for_the_one_it_is() -> None:
    found = side(title("film"), title("other"), title("absorbed"))
    assert found.recommendable[found.index["absorbed"]]
    found.put_content(title("absorbed", version_of="film", same_as="film"))
    assert not found.recommendable[found.index["absorbed"]]
    assert list(found.homes_of(["absorbed"])) == [found.index["film"]]
    found.put_content(title("absorbed"))  # it was another title after all
    assert found.recommendable[found.index["absorbed"]]
    assert list(found.homes_of(["absorbed"])) == [found.index["absorbed"]]
