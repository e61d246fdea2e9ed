"""The learner: predicts, then learns if the title was liked, then counts; nothing from later."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.evidence import PROGRESS_MIN
from domain.ranking.history import LIKED
from domain.ranking.learner import FirstTouch, Learner, Prediction
from domain.seen import Seen
from domain.slate_index import NEXT
from domain.sources.registry import NAMES, first_model
from tests.support.ranking import side_of, title

Event = tuple[str, str, Seen]

FILMS = [f"t{number}" for number in range(8)]
EPISODES = ["e1", "e2", "e3"]


def learner(*, predictions: bool = True) -> Learner:
    shows = [title("show", "series"), title("cut", version_of="t0")]
    episodes = [title(each, "episode", series_id="show") for each in EPISODES]
    genres = [("Crime",), ("Love",), ()]
    films = [
        title(each, genres=genres[n % 3], release_year=2000 + n) for n, each in enumerate(FILMS)
    ]
    of = side_of([*films, *shows, *episodes])
    return Learner(of, first_model(), neighbours_max=5, predictions=predictions)


def liked(at_ms: int) -> Seen:
    return Seen(at_ms, LIKED, engaged=True, watched=True)


def begun(at_ms: int, evidence: float = 0.0) -> Seen:
    return Seen(at_ms, evidence, engaged=True)


def random_events(seed: int, count: int = 120) -> list[Event]:
    rng = random.Random(seed)
    return [
        (
            f"u{rng.randrange(6)}",
            rng.choice(FILMS),
            rng.choice([liked, begun])(10 * number + rng.randrange(10)),
        )
        for number in range(count)
    ]


def fed(of: Learner, events: list[Event]) -> list[Prediction | None]:
    return [touch and touch.prediction for touch in touches(of, events)]


def touches(of: Learner, events: list[Event]) -> list[FirstTouch | None]:
    return [of.observe(*event) for event in events]


def known() -> Learner:
    """One that knows all films from one viewer."""
    found = learner()
    fed(found, [("first", name, liked(number)) for number, name in enumerate(FILMS)])
    return found


def test_nothing_is_learned_before_the_title_is_liked() -> None:
    found = known()
    weights, learned = found.model.weights.copy(), found.model.learned
    assert found.observe("u", "t1", begun(100)) is not None
    assert found.observe("u", "t1", begun(110, 0.7)) is None
    assert found.model.learned == learned
    assert np.array_equal(found.model.weights, weights)
    found.observe("u", "t1", liked(120))
    assert found.model.learned == learned + 1
    assert not np.array_equal(found.model.weights, weights)
    found.observe("u", "t1", liked(130))
    assert found.model.learned == learned + 1  # once


def test_what_is_learned_later_is_what_was_known_at_the_prediction() -> None:
    """A title liked at once and one liked after others came and went teach the same."""
    at_once, later = known(), known()
    at_once.observe("u", "t1", liked(100))
    later.observe("u", "t1", begun(100))
    for number in range(5):
        later.observe(f"v{number}", "t2", begun(101 + number))
    later.observe("u", "t1", liked(200))
    assert np.array_equal(at_once.model.weights, later.model.weights)
    assert np.array_equal(at_once.model.scales, later.model.scales)


def test_predicted_before_counted() -> None:
    found = learner()
    assert fed(found, [("u", "t1", liked(10))]) == [None]  # nobody was there before
    (prediction,) = fed(found, [("v", "t1", liked(20))])
    assert prediction is not None
    assert [found.content.ids[each] for each in prediction.candidates] == [*FILMS, "show"]
    assert (prediction.rank, prediction.column, prediction.evidence) == (0, 1, 0)
    popular = prediction.matrix[NAMES.index("popular")]
    like_rate = prediction.matrix[NAMES.index("like_rate")]
    assert popular.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert like_rate[1] == (1 + 2) / (1 + 4)  # u's alone
    assert found.content.statistics.get(1)[:2] == (2, 2)


def test_what_was_seen_already_is_not_predicted_again() -> None:
    found = known()
    assert found.observe("first", "t0", liked(500)) is None
    assert fed(found, [("first", "cut", liked(500))]) == [None]  # a version of t0
    assert found.observe("u", "t0", Seen(510, 0.0, engaged=False)) is None  # dismissed unseen
    assert found.observe("u", "unknown", liked(520)) is None
    assert found.observe("u", "t3", liked(530), learn=False) is None


def test_a_first_touch_is_scored_as_the_title_was_among_all_before_it() -> None:
    found = known()
    fed(found, [("u", "t1", liked(100)), ("u", "e1", liked(110)), ("v", "t2", liked(120))])
    show, all_titles = found.content.index["show"], np.arange(len(found.content.ids))
    for name, home in (("t2", found.content.index["t2"]), ("e2", show)):
        scores = found.score("u").scores
        before = found.ranker.matrix(scores, all_titles)[:, home]
        touch = found.observe("u", name, begun(130))
        assert touch is not None
        assert touch.scores.tobytes() == before.tobytes()
        assert touch.scores.any()
        if name == "t2":
            assert touch.prediction is not None
            column = touch.prediction.matrix[:, touch.prediction.column]
            assert touch.scores.tobytes() == column.tobytes()
            totals = scores.total[touch.prediction.candidates]
            assert touch.prediction.scores.tobytes() == totals.tobytes()
        else:
            assert touch.prediction is None  # of a series that the viewer watches
        after = found.ranker.matrix(found.score("u").scores, all_titles)[:, home]
        assert after.tolist() != before.tolist()  # now it is counted


def test_what_is_learned_does_not_depend_on_whether_predictions_are_kept() -> None:
    kept, other = learner(), learner(predictions=False)
    events = random_events(3)
    assert any(fed(kept, events))
    theirs = touches(other, events)
    assert not any(touch and touch.prediction for touch in theirs)
    for name in ("weights", "squares", "scales", "learned"):
        assert np.array_equal(getattr(kept.model, name), getattr(other.model, name))
    for mine, yours in zip(touches(learner(), events), theirs, strict=True):
        assert (mine and mine.scores.tobytes()) == (yours and yours.scores.tobytes())


def test_a_prediction_stays_what_it_was_when_others_are_made() -> None:
    found = known()
    (first,) = fed(found, [("u", "t1", begun(100))])
    assert first is not None
    matrix, scores = first.matrix.copy(), first.scores.copy()
    fed(found, random_events(5, 20))
    assert np.array_equal(first.matrix, matrix)
    assert np.array_equal(first.scores, scores)


@pytest.mark.parametrize("cut", [40, 80])
def test_another_future_leaves_past_predictions_unchanged_bit_for_bit(cut: int) -> None:
    events = random_events(1)
    future = events[cut:]
    random.Random(2).shuffle(future)
    one, other = learner(), learner()
    ours, theirs = touches(one, events), touches(other, [*events[:cut], *future])
    compared = 0
    for mine, yours in zip(ours[:cut], theirs[:cut], strict=True):
        assert (mine is None) == (yours is None)
        if mine is None or yours is None:
            continue
        assert mine.scores.tobytes() == yours.scores.tobytes()
        left, right = mine.prediction, yours.prediction
        assert (left is None) == (right is None)
        if left is not None and right is not None:
            assert left.scores.tobytes() == right.scores.tobytes()
            assert left.matrix.tobytes() == right.matrix.tobytes()
            assert left.candidates.tobytes() == right.candidates.tobytes()
            assert (left.rank, left.column) == (right.rank, right.column)
            compared += 1
    assert compared > 10
    assert not np.array_equal(one.model.weights, other.model.weights)


def counts(of: Learner) -> dict[str, tuple]:
    """Viewers, likes and what follows, by title."""
    statistics, content = of.content.statistics, of.content
    found = {}
    for title_, name in enumerate(content.ids):
        row = of.sync_row(title_)
        found[name] = (*statistics.get(title_)[:2], row.titles.tolist(), row.weights.tolist())
    return found


def popularities(of: Learner) -> dict[str, tuple]:
    """First viewers and decayed counts by title, as readers see them."""
    statistics = of.content.statistics
    found = {name: statistics.get(of.content.index[name]) for name in of.content.ids}
    return {name: (each.first_at_ms, each.as_of_ms, each.decayed) for name, each in found.items()}


@settings(max_examples=60)
@given(st.integers(0, 999), st.sampled_from(["u0", "u3"]))
def test_a_viewer_taken_out_leaves_the_counts_of_the_others(seed: int, gone: str) -> None:
    events = [
        (user, EPISODES[number % 3] if number % 4 == 0 else name, seen)
        for number, (user, name, seen) in enumerate(random_events(seed, 40))
    ]
    found, others = learner(), learner()
    fed(found, events)
    for name in [*FILMS, *EPISODES]:
        found.forget(gone, name)
    fed(others, [event for event in events if event[0] != gone])
    assert counts(found) == counts(others)
    assert found.seen(gone) == {}
    assert gone not in repr((found._parts, found._counted, found._pending, found._viewers))
    assert popularities(found) == popularities(others)
    learned = found.model.learned
    found.observe(gone, "t1", liked(9000), learn=False)
    assert found.model.learned == learned  # its lesson was forgotten with it


@settings(max_examples=60)
@given(st.integers(0, 999))
def test_counts_depend_on_the_latest_states_and_not_on_their_order(seed: int) -> None:
    rng = random.Random(seed)
    states = {
        (f"u{rng.randrange(3)}", rng.choice([*FILMS[:3], "cut", *EPISODES])): rng.choice(
            [liked, begun]
        )(rng.randrange(20))
        for _ in range(25)
    }
    events = [(*key, seen) for key, seen in states.items()]
    one, other = learner(), learner()
    fed(one, events)
    rng.shuffle(events)
    fed(other, [(user, name, begun(0, PROGRESS_MIN)) for user, name, _ in events[:9]])
    fed(other, events)
    assert counts(one) == counts(other)


@pytest.mark.parametrize(("first", "second"), [("e1", "e2"), ("e2", "e1")])
def test_a_viewer_of_several_episodes_counts_once_for_the_series(first: str, second: str) -> None:
    found = learner()
    show = found.content.index["show"]
    fed(found, [("u", first, begun(10)), ("u", "t1", liked(20)), ("u", second, liked(30))])
    assert found.content.statistics.get(show)[:2] == (1, 1)
    after = {found.content.ids[each] for each in found.sync_row(1).titles}
    assert after == {"show"}  # the series was touched last after t1
    fed(found, [("u", first, begun(15))])  # late news of an older episode
    assert {found.content.ids[each] for each in found.sync_row(1).titles} == {"show"}
    found.forget("u", second)
    assert found.content.statistics.get(show)[:2] == (1, 0)
    assert [found.content.ids[each] for each in found.sync_row(show).titles] == ["t1"]
    found.forget("u", first)
    assert found.content.statistics.get(show)[:2] == (0, 0)


def test_a_like_taken_back_is_one_like_less() -> None:
    found = learner()
    fed(found, [("u", "t1", liked(10)), ("u", "t1", begun(20))])
    assert found.content.statistics.get(1)[:2] == (1, 0)
    fed(found, [("u", "t1", Seen(30, 0.0, engaged=False))])
    assert found.content.statistics.get(1)[:2] == (0, 0)


def test_rows_brought_up_to_date_are_those_that_are_scored_with() -> None:
    found = learner()
    fed(found, [("u", "t1", liked(10)), ("u", "t2", liked(20))])
    assert len(found.content.row(NEXT, 1).titles) == 0
    found.sync_rows(np.array([1]))
    assert found.content.row(NEXT, 1).titles.tolist() == [2]
    assert 1 not in found.sequences.changed
