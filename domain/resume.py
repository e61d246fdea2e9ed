"""How probable it is that a viewer goes on with a card of continue watching.

    logit P = b0 + b1 days_log + b2 fraction_left + b3 hours_left + b4 next_episode
                 + b5 episodes_before_log

The coefficients are priors, chosen and not learned: nothing here records which cards were shown and
passed over, and MovieLens has no resumption at all. Each is a statement that can be disputed:

- the odds fall as 1 / (1 + days since it was last played), the power law in which memory fades
  (Wixted and Ebbesen 1991, *On the Form of Forgetting*, Psychological Science 2, 6),
- a title hardly begun has e^-1 of the odds of one nearly finished: many beginnings are tries,
- each further hour needed takes a quarter off the odds,
- the next episode, begun by nobody yet, has its ``fraction_left`` of 1 given back: the viewer
  finished the one before,
- and a viewer far into a season goes on more surely: odds times (1 + episodes before) ^ 0.2.

The order is what they are for. As probabilities they are not calibrated: ``domain.feed`` compares
them with learned ones, so these numbers also decide how high the row stands on a page.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from domain.continue_watching import Card
from domain.regression.logit import Floats, LogitModel
from domain.regression.regressors import DURATION_UNKNOWN_S
from schemas.content import Content
from schemas.times import DAY_MS

HOUR_S = 3600.0
NAMES = ("days_log", "fraction_left", "hours_left", "next_episode", "episodes_before_log")
PRIOR = LogitModel(NAMES, 0.5, np.array([-1.0, -1.0, -0.3, 1.0, 0.2]))


def resume_probabilities(
    cards: Sequence[Card], contents: Mapping[str, Content], now_ms: int
) -> list[float]:
    """Return for each card the probability (0-1) that the viewer goes on with it.

    Args:
        cards: of one row.
        contents: the titles of the cards where they are known; for the episode number.
        now_ms: wall-clock time of the request.
    """
    if not cards:
        return []
    rows = [_row(card, contents.get(card.content_id), now_ms) for card in cards]
    probabilities: list[float] = PRIOR.predict(np.array(rows)).round(6).tolist()
    return probabilities


def _row(card: Card, content: Content | None, now_ms: int) -> Floats:
    days = max(0, now_ms - card.sorted_at_ms) / DAY_MS
    duration_s = card.duration_s or DURATION_UNKNOWN_S
    fraction_left = 1.0 - card.position_s / duration_s if card.duration_s else 1.0 - card.progress
    fraction_left = min(max(fraction_left, 0.0), 1.0)
    number = content.episode_number if content and content.type == "episode" else None
    return np.array(
        [
            np.log1p(days),
            fraction_left,
            fraction_left * duration_s / HOUR_S,
            float(card.kind != "resume"),
            np.log(max(number or 1, 1)),
        ]
    )
