"""The value model: its gradient is that of the loss, and learning is bounded and never freezes."""

import numpy as np
import pytest

from domain.ranking.value_model import (
    EVIDENCE_FULL,
    EXCESS_MAX,
    LEARNING_RATE,
    SCALE_MIN,
    Lesson,
    ValueModel,
    blend_of,
)

NAMES = ("taste", "mood", "popular")
PERSONAL = (True, True, False)


def model(weights: list[float] | None = None, scales: list[float] | None = None) -> ValueModel:
    return ValueModel.first(NAMES, PERSONAL, weights or [1.0, 0.5, 0.25], scales or [0.2, 0.1, 0.3])


def sources(seed: int = 4, titles: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).random((3, titles))


def loss(of: ValueModel, scored: np.ndarray, liked: int, evidence: int) -> float:
    """Softmax cross-entropy of the liked title."""
    scores = of.factors(evidence) @ scored
    return float(np.log(np.exp(scores).sum()) - scores[liked])


@pytest.mark.parametrize("evidence", [0, 2, EVIDENCE_FULL, 50])
def test_a_lesson_is_the_gradient_of_the_loss(evidence: int) -> None:
    found, scored, step = model(), sources(), 1e-6
    found.weights[1] = [0.4, 1.5, -0.3]
    lesson = found.lesson(scored, 7, evidence)
    gradient = np.outer(lesson.shares, lesson.excess / found.scales)
    for row in range(2):
        for column in range(3):
            around = []
            for sign in (1.0, -1.0):
                moved = model()
                moved.weights = found.weights.copy()
                moved.weights[row, column] += sign * step
                around.append(loss(moved, scored, 7, evidence))
            slope = (around[0] - around[1]) / (2 * step)
            assert gradient[row, column] == pytest.approx(slope, abs=1e-7)
    assert lesson.probability == pytest.approx(np.exp(-loss(found, scored, 7, evidence)))
    assert lesson.largest == pytest.approx(scored.max(axis=1))


def test_columns_left_out_teach_nothing() -> None:
    found, scored = model(), sources()
    alone = found.lesson(scored, 7, 2)
    left_out = np.array([30, 31])
    wider = np.concatenate([scored, np.zeros((3, 2))], axis=1)
    lesson = found.lesson(wider, 7, 2, left_out)
    assert lesson.excess == pytest.approx(alone.excess, rel=1e-12)
    assert lesson.largest.tolist() == alone.largest.tolist()
    assert lesson.probability == pytest.approx(alone.probability, rel=1e-12)
    assert found.lesson(wider, 7, 2).probability < alone.probability


def test_weights_pass_from_cold_to_warm_without_a_step() -> None:
    found = model(scales=[1.0, 1.0, 1.0])
    found.weights = np.array([[0.0, 0.0, 10.0], [5.0, 0.0, 0.0]])
    assert [blend_of(number) for number in (0, 1, EVIDENCE_FULL, 99)] == [0.0, 0.2, 1.0, 1.0]
    assert found.factors(0).tolist() == [0.0, 0.0, 10.0]
    assert found.factors(2) == pytest.approx([2.0, 0.0, 6.0])
    assert found.factors(EVIDENCE_FULL).tolist() == found.factors(99).tolist() == [5.0, 0.0, 0.0]


def test_a_source_that_hardly_spreads_is_not_blown_up() -> None:
    found = model(weights=[1.0, 1.0, 1.0], scales=[SCALE_MIN / 9, 1.0, 1.0])
    assert found.factors(9)[0] == 1.0 / SCALE_MIN


def test_only_the_weights_of_the_viewers_evidence_learn() -> None:
    found = model()
    found.take(found.lesson(sources(), 3, evidence=0))
    assert found.weights[1].tolist() == [1.0, 0.5, 0.25]
    assert (found.weights[0] != [1.0, 0.5, 0.25]).all()
    assert found.learned == 1


def test_taking_a_lesson_makes_the_title_likelier() -> None:
    found, scored = model(), sources()
    before = loss(found, scored, 7, 9)
    for _ in range(20):
        found.take(found.lesson(scored, 7, 9))
    assert loss(found, scored, 7, 9) < before - 0.1


def test_personal_weights_stay_non_negative_and_common_ones_need_not() -> None:
    """Viewers like what every source scores lowest."""
    found = model()
    for seed in range(300):
        scored = sources(seed)
        found.take(found.lesson(scored, int(scored.sum(axis=0).argmin()), 9))
        assert (found.weights[:, :2] >= 0.0).all()
    assert (found.weights[1, :2] == 0.0).any()
    assert found.weights[1, 2] < 0.0


def test_one_huge_surprise_does_not_freeze_learning() -> None:
    found, calm = model(scales=[SCALE_MIN] * 3), model(scales=[SCALE_MIN] * 3)
    for each in (found, calm):
        each.learned = 10_000  # scales hardly move
    ordinary = Lesson(np.array([0.0, 1.0]), np.full(3, -SCALE_MIN), np.full(3, SCALE_MIN), 0.5)
    found.take(ordinary._replace(excess=np.full(3, 1e9)))
    assert found.squares.max() <= EXCESS_MAX**2 + 0.01
    after, before = found.weights[1].copy(), calm.weights[1].copy()
    for _ in range(100):
        found.take(ordinary)
        calm.take(ordinary)
    moved, usual = found.weights[1] - after, calm.weights[1] - before
    assert (moved > usual / 5).all()


def test_the_first_steps_are_bounded_by_the_learning_rate() -> None:
    found = model()
    before = found.weights.copy()
    found.take(found.lesson(sources(), 3, 2))
    assert np.abs(found.weights - before).max() <= LEARNING_RATE


def test_scales_become_the_mean_of_the_largest_scores() -> None:
    found = model()
    lesson = found.lesson(sources(), 0, 0)
    for number in (1.0, 2.0, 3.0):
        found.take(lesson._replace(largest=np.full(3, number)))
    assert found.scales == pytest.approx([2.0, 2.0, 2.0])


def test_a_source_that_begins_to_speak_late_counts_from_its_first_word_on_like_the_others() -> None:
    """Co-watch has no rows before its first fit, and hundreds of lessons may come before it."""
    found, scored = model(), sources()
    scored[0] = 0.0
    for _ in range(50):
        found.take(found.lesson(scored, 3, 9))
    assert found.scales[0] == found.factors(9)[0] == 0.0
    assert found.weights[1, 0] == 1.0
    spoken = sources()
    first = found.lesson(spoken, 3, 9)
    assert first.probability == pytest.approx(found.lesson(scored, 3, 9).probability)
    found.take(first)
    assert found.scales[0] == spoken[0].max()
    for silent in (True, False, True):  # silence does not make the next word louder
        found.take(found.lesson(scored if silent else spoken, 3, 9))
    assert found.scales[0] == pytest.approx(spoken[0].max())
    assert (found.factors(9)[0] * spoken[0]).max() < 2.0
