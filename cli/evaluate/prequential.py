"""The prequential protocol: predict every liked rating before it is learned.

All ratings in time order. Before each rating of 4 or more, of a user with at least ``HISTORY_MIN``
earlier ones and of a title that was seen before, all titles seen so far that the user has not rated
are ranked; then the rating is learned. Models that are refit are refit every so many ratings; ours
are renewed in between, as the agent does. The first ``WARM_UP`` of the ratings are learned from,
and not counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cli.evaluate.baselines import Baseline, Liked, baselines
from cli.evaluate.cadence import Cadence
from cli.evaluate.gateway import Gateway
from cli.evaluate.methods import SHOWN, Bench, Tally
from cli.evaluate.ratings import Rating, RatingSet
from domain.ranking.learner import Prediction
from infra.settings import Settings

HISTORY_MIN = 5
WARM_UP = 0.2
SHOWN_EVERY = 7  # ratings: whole slates are built for a part of the predictions

Advance = Callable[[int], object]


@dataclass(slots=True)
class Baselines:
    """All baselines over the same dense indices as the gateway's content side."""

    liked: Liked
    models: dict[str, Baseline] = field(default_factory=lambda: dict(baselines()))

    def refit(self) -> None:
        """Refit all."""
        for model in self.models.values():
            model.refit(self.liked)


class Prequential:
    """One run of the protocol."""

    def __init__(
        self, ratings: RatingSet, settings: Settings, when: Cadence, *, ablations: bool = True
    ) -> None:
        self._ratings = ratings
        self._when = when
        self._warm = int(len(ratings.ratings) * WARM_UP)
        self._users: dict[str, int] = {}
        users = len({item.user for item in ratings.ratings})
        titles = len({item.content_id for item in ratings.ratings})
        self._baselines = Baselines(Liked(users, titles))
        self.gateway = Gateway(ratings, settings)
        self.bench = Bench(ablations=ablations)

    @property
    def steps(self) -> int:
        """How often ``advance`` will be called."""
        return len(self._ratings.ratings)

    def run(self, advance: Advance) -> Tally:
        """Go through all ratings; ``advance`` is called with how many more are done."""
        for number, rating in enumerate(self._ratings.ratings):
            if number % self._when.refit_every == self._warm % self._when.refit_every:
                self.gateway.refit()
                if number >= self._warm:
                    self._baselines.refit()
            elif number % self._when.renew_every == 0:
                self.gateway.renew()
            self._take(number, rating)
            advance(1)
        return self.bench.tally

    def _take(self, number: int, rating: Rating) -> None:
        user = self._users.setdefault(rating.user, len(self._users))
        counted = number >= self._warm and rating.liked
        counted = counted and len(self.gateway.learner.seen(rating.user)) >= HISTORY_MIN
        shown = self.gateway.shown(rating.user) if counted and number % SHOWN_EVERY == 0 else None
        prediction = self.gateway.take(rating)
        if prediction is not None:
            if counted:
                self.bench.tally.users.append(user)
                self.bench.keep_lists = shown is not None
                self._compare(user, prediction)
                self.bench.predicted(prediction)
                if shown is not None:
                    target = self.gateway.content.index[rating.content_id]
                    self.bench.tally.shown_at.append(len(self.bench.tally.users) - 1)
                    self.bench.placed(SHOWN, shown, target)
            self.bench.learn(prediction)
        liked = self._baselines.liked
        liked.size = len(self.gateway.content.ids)
        if rating.liked:
            liked.put(user, self.gateway.content.index[rating.content_id])

    def _compare(self, user: int, prediction: Prediction) -> None:
        for name, model in self._baselines.models.items():
            with self.bench.tally.timing(name):
                scores = model.scores(self._baselines.liked, user)
                # The title at hand may be newer than what the baseline's arrays know.
                missing = int(prediction.candidates[-1]) + 1 - len(scores)
                if missing > 0:
                    scores = np.concatenate([scores, np.zeros(missing, dtype=scores.dtype)])
                scores = scores[prediction.candidates]
            self.bench.ranked(name, scores, prediction)
