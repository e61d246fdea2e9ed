"""From a cold start to a personal list: what viewers are modelled to like moves by steps alike.

The list itself does not: with weights as far apart as they can be, most of it changes at the third
to fifth title, where what everybody watches drops out. Bounds are of these viewers, a little above
measured.
"""

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from domain.ranking.history import Floats, make_history
from domain.ranking.scoring import Ranker
from domain.ranking.value_model import EVIDENCE_FULL, ValueModel
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import IS_PERSONAL, NAMES, PERSONAL
from domain.viewer_profile import ViewerProfile, seen_titles
from schemas.codec import decode
from schemas.slate import Slate
from tests.support import viewers as world
from tests.support.ranking import completed

STEPS = EVIDENCE_FULL + 1
RULES = SlateRules(size=20, ttl_s=60, diversity=1.0)


def model() -> ValueModel:
    """New viewers see what is common, known ones what suits them: weights farthest apart."""
    found = ValueModel.first(NAMES, IS_PERSONAL, [0.0] * len(NAMES), [1.0] * len(NAMES))
    found.weights[0] = [0.0 if personal else 1.0 for personal in IS_PERSONAL]
    found.weights[1] = [1.0 if personal else 0.0 for personal in IS_PERSONAL]
    return found


RANKER = Ranker(world.ranker().content, model())


def warming(seed: int) -> list[ViewerProfile]:
    """Somebody who completes one film after the other, from none to ``STEPS``."""
    films = random.Random(seed).sample(world.FILMS, STEPS)
    return [completed(*films[:count]) for count in range(STEPS + 1)]


def probabilities(profile: ViewerProfile) -> Floats:
    """How probable each title is to be liked next, by the model."""
    scores = RANKER.score(make_history(RANKER.content, seen_titles(profile)[0]))
    odds = np.exp(scores.total[RANKER.content.recommendable[: len(scores.total)]])
    found: Floats = odds / odds.sum()
    return found


def distance(one: Floats, other: Floats) -> float:
    """Total variation, 0-1."""
    return float(np.abs(one - other).sum() / 2.0)


def test_factors_move_by_equal_steps_and_stay_when_enough_is_known() -> None:
    factors = np.array([model().factors(evidence) for evidence in range(STEPS + 2)])
    steps = np.diff(factors, axis=0)
    whole = factors[EVIDENCE_FULL] - factors[0]
    assert np.abs(whole).min() == 1.0
    assert np.allclose(steps[:EVIDENCE_FULL], whole / EVIDENCE_FULL)
    assert np.allclose(steps[EVIDENCE_FULL:], 0.0)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_modelled_moves_by_nearly_equal_steps(seed: int) -> None:
    at = [probabilities(profile) for profile in warming(seed)]
    steps = [distance(one, other) for one, other in pairwise(at)]
    blended = steps[:EVIDENCE_FULL]
    assert max(blended) < 1.45 * min(blended)
    assert steps[EVIDENCE_FULL] < 0.65 * min(blended)  # then the titles alone make a difference
    assert sum(blended) < 1.15 * distance(at[0], at[EVIDENCE_FULL])  # and all go one way


@pytest.mark.parametrize("seed", range(5))
def test_a_step_of_the_blend_is_bounded_by_how_far_the_two_sides_are_apart(seed: int) -> None:
    """Logits that move by d change a softmax by tanh((max d - min d) / 4) at most."""
    profile = warming(seed)[-1]
    scores = RANKER.score(make_history(RANKER.content, seen_titles(profile)[0]))
    matrix = RANKER.matrix(scores, np.flatnonzero(RANKER.content.recommendable))
    cold, warm = matrix[len(PERSONAL) :].sum(axis=0), matrix[: len(PERSONAL)].sum(axis=0)
    apart = float((warm - cold).max() - (warm - cold).min()) / EVIDENCE_FULL
    at = [np.exp(RANKER.model.factors(evidence) @ matrix) for evidence in range(STEPS + 1)]
    at = [odds / odds.sum() for odds in at]
    for one, other in pairwise(at[:STEPS]):
        assert 0.0 < distance(one, other) <= math.tanh(apart / 4.0)
    assert distance(at[EVIDENCE_FULL], at[STEPS]) == 0.0


def test_lists_change_little_at_first_and_never_all_at_once() -> None:
    changes = []
    for seed in range(60):
        viewers = [Viewer("u", profile) for profile in warming(seed)]
        built = build_slates(RANKER, viewers, RULES, world.NOW_MS)
        entries = [decode(Slate, each.value).entries for each in built]
        ids = [{entry.content_id for entry in each} for each in entries]
        changes.append([len(one - other) for one, other in pairwise(ids)])
    most = np.max(changes, axis=0)  # of 20, by each further title
    assert most[:2].max() <= 4
    assert most.max() <= 12
    mean = np.mean(changes, axis=0)[: EVIDENCE_FULL - 1]
    assert mean.tolist() == sorted(mean.tolist())  # the more is known, up to the fourth
