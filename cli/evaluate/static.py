"""The static protocol: each user's first 80 % of ratings train, the rest test.

Positives are ratings of 4 or more; every title of the training part that the user has not rated
there is ranked; the mean is over users with a positive in the test part. The training ratings go
through the stream in time order, so weights are learned from them as they would be live.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from cli.evaluate.baselines import Liked, baselines
from cli.evaluate.cadence import Cadence
from cli.evaluate.gateway import Gateway
from cli.evaluate.methods import OURS, SHOWN, Bench, Tally
from cli.evaluate.ratings import Rating, RatingSet
from infra.settings import Settings

TRAIN = 0.8

Advance = Callable[[int], object]


def split(ratings: Sequence[Rating]) -> tuple[list[Rating], dict[str, set[str]]]:
    """Return the training ratings in time order, and each user's liked titles of the test part."""
    by_user: dict[str, list[Rating]] = defaultdict(list)
    for item in ratings:
        by_user[item.user].append(item)
    train: list[Rating] = []
    test: dict[str, set[str]] = {}
    for user, items in by_user.items():
        cut = int(len(items) * TRAIN)
        train += items[:cut]
        test[user] = {item.content_id for item in items[cut:] if item.liked}
    train.sort(key=lambda item: (item.at_ms, item.user, item.content_id))
    return train, test


class Static:
    """One run of the protocol."""

    def __init__(
        self, ratings: RatingSet, settings: Settings, when: Cadence, *, ablations: bool = True
    ) -> None:
        self._train, self._test = split(ratings.ratings)
        self._when = when
        self.gateway = Gateway(ratings, settings)
        self.bench = Bench(ablations=ablations)

    @property
    def steps(self) -> int:
        """How often ``advance`` will be called."""
        return len(self._train) + len(self._test)

    def run(self, advance: Advance) -> Tally:
        """Train, then rank for every user."""
        for number, rating in enumerate(self._train):
            if number % self._when.refit_every == 0:
                self.gateway.refit()
            elif number % self._when.renew_every == 0:
                self.gateway.renew()
            prediction = self.gateway.take(rating)
            if prediction is not None:
                self.bench.learn(prediction)
            advance(1)
        self.gateway.refit()
        self._rank(advance)
        return self.bench.tally

    def _rank(self, advance: Advance) -> None:
        content = self.gateway.content
        users = {user: place for place, user in enumerate(self._test)}
        liked = Liked(len(users), len(content.ids))
        liked.size = len(content.ids)
        for rating in self._train:
            if rating.liked:
                liked.put(users[rating.user], content.index[rating.content_id])
        models = dict(baselines())
        for model in models.values():
            model.refit(liked)
        for user, wanted in self._test.items():
            relevant = {content.index[each] for each in wanted if each in content.known}
            advance(1)
            if not relevant:
                continue
            candidates, scores, matrix, evidence = self.gateway.candidates(user)
            self.bench.tally.users.append(users[user])
            for name, model in models.items():
                found = model.scores(liked, users[user])[candidates]
                self.bench.listed(name, found, candidates, relevant)
            self.bench.listed(OURS, scores, candidates, relevant)
            for name, varied in self.bench.variants(matrix, evidence):
                self.bench.listed(name, varied, candidates, relevant)
            self.bench.tally.shown_at.append(len(self.bench.tally.users) - 1)
            self.bench.shown(SHOWN, self.gateway.shown(user), relevant)
