"""Reasons: a title is named only if the score falls without it: by hand and for random viewers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.evidence import PROGRESS_MIN
from domain.ranking.history import RECENT, TIES_MAX
from domain.ranking.scoring import Ranker
from domain.seen import Seen
from domain.slate_index import NEXT, ContentSide
from domain.slates import SlateRules
from schemas.slate import SlateEntry
from tests.support.ranking import (
    BY_SCORE,
    EPISODES,
    TITLES,
    completed,
    model_of,
    named_causes,
    profile,
    put_row,
    random_side,
    side_of,
    slate_of,
    title,
)

NEXT_ONLY = model_of({"next_title": 1.0})


def entry(of: ContentSide, *watched: str) -> SlateEntry:
    """The only entry of the slate of somebody who completed titles, oldest first."""
    (found,) = slate_of(of, completed(*watched), NEXT_ONLY).entries
    return found


@pytest.mark.parametrize(("newest", "based_on"), [(0.2, ("new",)), (0.1, ("next_title",))])
def test_what_enters_the_window_instead_counts(newest: float, based_on: tuple[str, ...]) -> None:
    """Without the newest, the 21st title says 0.9 * 0.9 ** 19 = 0.122 for x."""
    between = [f"t{number:02d}" for number in range(RECENT.window - 1)]
    of = side_of(map(title, ["old", *between, "new", "x"]))
    put_row(of, "old", table=NEXT, x=0.9)
    put_row(of, "new", table=NEXT, x=newest)
    found = entry(of, "old", *between, "new")
    assert (found.content_id, found.based_on) == ("x", based_on)
    label = "NEW" if newest == 0.2 else "what you watched lately"
    assert found.explanation.endswith(label)


@pytest.mark.parametrize(("newest", "based_on"), [(0.08, ("old",)), (0.12, ("old", "new"))])
def test_what_becomes_more_recent_instead_counts(newest: float, based_on: tuple[str, ...]) -> None:
    """Without the newest, the other says 0.9 and not 0.81 for x: 0.09 more."""
    of = side_of(map(title, ["old", "new", "x"]))
    put_row(of, "old", table=NEXT, x=0.9)
    put_row(of, "new", table=NEXT, x=newest)
    assert entry(of, "old", "new").based_on == based_on


@pytest.mark.parametrize(
    ("watched", "based_on"),
    [
        (("e1", "e2"), ("next_title",)),  # without e2, e1 is as recent
        (("e1", "film", "e2"), ("e2",)),  # without e2, the film is newer than e1
        (("e2",), ("e2",)),
    ],
)
def test_another_episode_takes_the_place_of_one(
    watched: tuple[str, ...], based_on: tuple[str, ...]
) -> None:
    episodes = [title(each, "episode", series_id="show") for each in ("e1", "e2")]
    of = side_of([title("show", "series"), *episodes, title("film"), title("x")])
    put_row(of, "show", table=NEXT, x=0.5)
    assert entry(of, *watched).based_on == based_on


@pytest.mark.parametrize(("more", "based_on"), [(0, ("cowatch",)), (1, ("t00",))])
def test_an_import_that_becomes_a_history_counts(more: int, based_on: tuple[str, ...]) -> None:
    """Of 51 titles of one millisecond none is recent; without one of them the 50 others are."""
    names = [f"t{number:02d}" for number in range(TIES_MAX + 1 + more)]
    of = side_of(map(title, [*names, "x"]))
    put_row(of, "t00", x=0.01)
    for name in names[1:]:
        put_row(of, name, table=NEXT, x=0.1)
    imported = profile(*({"content_id": name, "occurred_at_ms": 7} for name in names))
    model = model_of({"cowatch": 1.0, "next_title": 1.0})
    (found,) = slate_of(of, imported, model).entries
    assert (found.content_id, found.based_on) == ("x", based_on)


def test_a_small_part_is_no_reason() -> None:
    of = side_of(map(title, ["a", "b", "x"]))
    put_row(of, "a", table=NEXT, x=0.5)
    put_row(of, "b", table=NEXT, x=0.02)
    assert entry(of, "b", "a").based_on == ("a",)


SIDE = random_side()
SOURCES = ("next_title", "together", "cowatch", "cowatch_recent", "era", "genre")


@st.composite
def viewers(draw: st.DrawFn) -> dict[str, Seen]:
    names = draw(st.lists(st.sampled_from([*TITLES, *EPISODES]), unique=True, max_size=40))
    seen = {}
    for name in names:
        evidence = draw(st.sampled_from([0.0, PROGRESS_MIN, 0.7, 1.0, 1.0]))
        engaged = draw(st.sampled_from([True, True, True, False]))
        at_ms = draw(st.integers(0, 30))  # many ties
        seen[name] = Seen(at_ms, evidence if engaged else 0.0, engaged, evidence > 0.0)
    return seen


@settings(max_examples=150)
@given(viewers(), st.lists(st.sampled_from([0.0, 0.2, 1.0, 5.0]), min_size=6, max_size=6))
def test_every_title_that_is_named_lowers_the_score_when_taken_out(
    seen: dict[str, Seen], weights: list[float]
) -> None:
    model = model_of(dict(zip(SOURCES, weights, strict=True)))
    rules = SlateRules(size=20, ttl_s=60)
    for named in named_causes(Ranker(SIDE, model), seen, rules):
        assert named.after < named.before, named


def test_random_viewers_have_reasons() -> None:
    """The property above is not empty: titles watched lately are named nearly always."""
    model = model_of(dict.fromkeys(SOURCES, 1.0))
    seen = {name: Seen(number, 1.0, engaged=True) for number, name in enumerate(TITLES[:30])}
    named = named_causes(Ranker(SIDE, model), seen, BY_SCORE._replace(size=20))
    assert len({each.content_id for each in named}) >= 18
    assert len({each.cause for each in named}) >= 5
