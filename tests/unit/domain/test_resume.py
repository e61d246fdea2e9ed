"""Resume probabilities: the stated priors by hand, and in which direction each one works."""

import math

import pytest

from domain.continue_watching import Card
from domain.regression.regressors import DURATION_UNKNOWN_S
from domain.resume import resume_probabilities
from schemas.content import Content
from schemas.times import DAY_MS

NOW_MS = 1_767_300_000_000
HALF = Card("film", "resume", None, 3600.0, 7200.0, 0.5, NOW_MS)


def probability(card: Card, number: int | None = None, now_ms: int = NOW_MS) -> float:
    episode = Content(
        content_id=card.content_id,
        type="episode",
        title="E",
        episode_number=number,
        updated_at_ms=0,
    )
    contents = {} if number is None else {card.content_id: episode}
    return resume_probabilities([card], contents, now_ms)[0]


def odds(p: float) -> float:
    return p / (1 - p)


def test_a_film_left_halfway_a_moment_ago_by_hand() -> None:
    # 0.5 - 1.0 * half left - 0.3 * one hour left
    assert probability(HALF) == pytest.approx(1 / (1 + math.exp(0.3)), abs=1e-6)


@pytest.mark.parametrize("days", [1, 6, 59])
def test_odds_fall_with_days_as_a_power_law(days: int) -> None:
    later = probability(HALF._replace(sorted_at_ms=NOW_MS - days * DAY_MS))
    assert odds(later) == pytest.approx(odds(probability(HALF)) / (1 + days), rel=1e-3)


def test_less_left_and_shorter_is_more_probable() -> None:
    nearly = HALF._replace(position_s=6480.0)
    longer = HALF._replace(position_s=7200.0, duration_s=14400.0)
    assert probability(longer) < probability(HALF) < probability(nearly)


def test_a_next_episode_beats_a_film_just_begun_and_a_late_one_an_early_one() -> None:
    begun = Card("e", "resume", "s", 0.0, 2400.0, 0.0, NOW_MS)
    following = begun._replace(kind="next")
    assert probability(begun, 1) < probability(following, 1) < probability(following, 9)
    assert odds(probability(following, 9)) == pytest.approx(
        odds(probability(following, 1)) * 9**0.2, rel=1e-4
    )
    assert probability(following, 0) == probability(following, 1) == probability(following)


def test_an_unknown_duration_counts_as_a_usual_film_by_its_progress() -> None:
    unknown = HALF._replace(duration_s=0.0, position_s=50.0, progress=0.25)
    known = HALF._replace(duration_s=DURATION_UNKNOWN_S, position_s=DURATION_UNKNOWN_S / 4)
    assert probability(unknown) == probability(known)


def test_clocks_ahead_and_positions_beyond_the_end_stay_in_range() -> None:
    ahead = HALF._replace(sorted_at_ms=NOW_MS + DAY_MS)
    assert probability(ahead) == probability(HALF)
    assert 0.5 < probability(HALF._replace(position_s=9000.0)) < 1.0
    assert resume_probabilities([], {}, NOW_MS) == []
