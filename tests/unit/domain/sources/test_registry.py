"""Every registered source keeps the promises of ``domain.sources.source``, whichever it is."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ranking.history import make_history
from domain.ranking.scoring import Ranker
from domain.seen import Seen
from domain.slate_index import ContentSide
from domain.slates import SlateRules, Viewer
from domain.sources.registry import COMMON, IS_PERSONAL, NAMES, PERSONAL, first_model
from domain.sources.source import CommonSource, PersonalSource
from domain.viewer_profile import ViewerProfile
from tests.support.ranking import (
    EPISODES,
    TITLES,
    model_of,
    profile,
    random_side,
    trending,
    values_of,
    watchers_of,
)

SIDE, SHUFFLED = random_side(), random_side(order_seed=7)
EVERY_TITLE = np.arange(len(SIDE.ids))
REGIONS = (None, "ZZ", "DE")

personal = pytest.mark.parametrize("source", PERSONAL, ids=lambda source: source.name)
common = pytest.mark.parametrize("source", COMMON, ids=lambda source: source.name)
ONCE = settings(max_examples=25)


VIEWERS = watchers_of([*TITLES, *EPISODES, "x1"])  # and one of no catalogue


def scores(source: PersonalSource, of: ContentSide, seen: dict[str, Seen]) -> np.ndarray:
    return source.score(of, make_history(of, seen)).scores


def busy() -> dict[str, Seen]:
    """Somebody with more titles than the window of recency."""
    return {name: Seen(number, 1.0, engaged=True) for number, name in enumerate(TITLES[:30])}


def test_names_kinds_and_first_weights_are_in_one_order() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(PERSONAL) + len(COMMON)
    assert tuple(name in {each.name for each in PERSONAL} for name in NAMES) == IS_PERSONAL
    model = first_model()
    assert (model.names, model.personal) == (NAMES, IS_PERSONAL)
    assert (model.weights[:, list(IS_PERSONAL)] > 0.0).all()
    assert all(each.label for each in COMMON)


@personal
def test_a_source_says_something(source: PersonalSource) -> None:
    """Otherwise the checks below would hold for nothing."""
    found = scores(source, SIDE, busy())
    assert np.count_nonzero(found) > 5
    assert len(np.unique(np.round(found, 9))) > 3


@personal
@ONCE
@given(seen=VIEWERS)
def test_scores_are_one_number_from_0_to_1_a_title(
    source: PersonalSource, seen: dict[str, Seen]
) -> None:
    found = scores(source, SIDE, seen)
    assert (found.shape, found.dtype) == ((len(SIDE.ids),), np.float64)
    assert np.isfinite(found).all()
    assert found.min() >= 0.0
    assert found.max() <= 1.0


@personal
@ONCE
@given(seen=VIEWERS, order=st.integers(0, 99))
def test_scores_do_not_depend_on_the_order_in_which_titles_were_taken_in(
    source: PersonalSource, seen: dict[str, Seen], order: int
) -> None:
    shuffled = list(seen.items())
    random.Random(order).shuffle(shuffled)
    found = scores(source, SIDE, seen)
    assert scores(source, SIDE, dict(shuffled)).tobytes() == found.tobytes()
    other = scores(source, SHUFFLED, seen)[[SHUFFLED.index[name] for name in SIDE.ids]]
    assert other == pytest.approx(found, abs=1e-12)  # sums may round otherwise


@personal
@ONCE
@given(seen=VIEWERS)
def test_shares_are_not_negative_and_add_up_to_the_score(
    source: PersonalSource, seen: dict[str, Seen]
) -> None:
    history = make_history(SIDE, seen)
    scored = source.score(SIDE, history)
    shares = source.shares(history, scored, EVERY_TITLE)
    assert shares.shape == (len(history.titles), len(SIDE.ids))
    assert shares.min(initial=0.0) >= 0.0
    assert np.abs(shares.sum(axis=0) - scored.scores).max() < 1e-9
    picks = EVERY_TITLE[5:25:4].copy()
    assert source.shares(history, scored, picks) == pytest.approx(shares[:, picks], abs=1e-12)


@personal
@ONCE
@given(seen=VIEWERS, data=st.data())
def test_more_weight_on_a_title_lowers_no_score(
    source: PersonalSource, seen: dict[str, Seen], data: st.DataObject
) -> None:
    history = make_history(SIDE, seen)
    if not len(history.titles):
        return
    entry = data.draw(st.integers(0, len(history.titles) - 1))
    weights = history.weights.copy()
    weights[source.weights_row, entry] += data.draw(st.sampled_from([0.01, 0.3]))
    more = history._replace(weights=weights)
    before, after = source.score(SIDE, history).scores, source.score(SIDE, more).scores
    assert (after >= before).all()


@personal
def test_nobody_nothing_and_unknown_titles_score_nothing(source: PersonalSource) -> None:
    empty = ContentSide()
    for of, seen in ((SIDE, {}), (empty, {}), (empty, busy()), (SIDE, {"x1": Seen(1, 1.0, True)})):
        history = make_history(of, seen)
        scored = source.score(of, history)
        assert scored.scores.tolist() == [0.0] * len(of.ids)
        picks = np.arange(len(of.ids))
        assert not source.shares(history, scored, picks).any()


@personal
def test_unknown_titles_change_nothing(source: PersonalSource) -> None:
    unknown = {f"x{number}": Seen(number * 3, 1.0, engaged=True) for number in range(9)}
    with_them = scores(source, SIDE, busy() | unknown)
    assert with_them.tobytes() == scores(source, SIDE, busy()).tobytes()


@common
@pytest.mark.parametrize("region", REGIONS)
def test_common_scores_are_one_number_from_0_to_1_a_title(
    source: CommonSource, region: str | None
) -> None:
    found = source.score(SIDE, region)
    assert (found.shape, found.dtype) == ((len(SIDE.ids),), np.float64)
    assert np.isfinite(found).all()
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert len(np.unique(found)) > 3
    assert source.score(SIDE, region).tobytes() == found.tobytes()
    other = source.score(SHUFFLED, region)[[SHUFFLED.index[name] for name in SIDE.ids]]
    assert other.tobytes() == found.tobytes()


@common
def test_common_scores_of_nothing_are_empty(source: CommonSource) -> None:
    assert source.score(ContentSide(), None).shape == (0,)
    unseen = ContentSide()
    unseen.index_of("a")
    assert source.score(unseen, "DE").shape == (1,)
    assert np.isfinite(source.score(unseen, None)).all()


@common
def test_viewers_of_one_millisecond_count_in_any_order(source: CommonSource) -> None:
    def side(order: list[int]) -> ContentSide:
        found = ContentSide()
        for name in "abc":
            found.index_of(name)
        events = [(0, 1), (0, 0), (1, 1), (2, 0), (2, 1), (2, 1)]
        found.statistics.add(0, 5, viewers=1, likes=0)
        for place in order:
            title, likes = events[place]
            found.statistics.add(title, 7_000_000, viewers=1, likes=likes)
        return found

    one, other = side([0, 1, 2, 3, 4, 5]), side([5, 3, 1, 4, 2, 0])
    assert source.score(one, None).tobytes() == source.score(other, None).tobytes()


def test_trending_of_a_region_is_not_that_of_another() -> None:
    of = random_side()
    of.put_trending(trending({"t01": 9.0}, "DE", shard="1"))
    source = COMMON[NAMES.index("trending") - len(PERSONAL)]
    assert source.score(of, "DE").tobytes() != source.score(of, "ZZ").tobytes()
    assert source.score(of, "US").tobytes() == source.score(of, None).tobytes()


def batch() -> list[Viewer]:
    rng = random.Random(4)
    found = []
    for number in range(12):
        names = rng.sample([*TITLES, *EPISODES], 3 * number)
        given_ones: list[dict] = [
            {"content_id": name, "occurred_at_ms": rng.randrange(20)} for name in names
        ]
        found.append(Viewer(f"u{number}", profile(*given_ones)))
    return [*found, Viewer("nobody", ViewerProfile())]


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_slates_is_the_slates_one_by_one(name: str) -> None:
    rules = SlateRules(size=10, ttl_s=60, exploration=0.2)
    model = model_of({name: 1.0})
    whole = values_of(Ranker(SIDE, model), batch(), rules)
    assert [values_of(Ranker(SIDE, model), [each], rules)[0] for each in batch()] == whole
    assert values_of(Ranker(SHUFFLED, model), batch(), rules) == whole
