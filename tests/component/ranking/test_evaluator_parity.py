"""What is evaluated is what serves: the same ratings give the same scores both ways, bit for bit.

One way is the evaluator's; the other goes through every agent in between as encoded records: watch
states into the learner and the fit, what they emit into the slates agent, beside interactions.
"""

import random
from collections.abc import Iterable

import numpy as np
import orjson
import pytest

from agents import co_watch, slates, value_model
from agents.co_watch import CoWatchFitter
from agents.spec import Emit, Record
from agents.value_model import ValueModelFollower
from cli.evaluate.gateway import Gateway
from cli.evaluate.ratings import Rating, RatingSet
from domain.ranking.history import make_history
from infra.settings import Settings
from schemas.watch_state import WatchState
from tests.support.driving import Driver, record_of
from tests.support.ranking import interaction, title
from topics.catalog import CONTENTS, WATCH_STATES

SETTINGS = Settings(slate_size=10, slate_refresh_ms=0, neighbours_max=20, cowatch_lambda=5.0)
TICK_MS = 10_000  # longer than any interval between two publications
REFIT_EVERY = 97


def rating_set(users: int, titles: int, count: int) -> RatingSet:
    rng = random.Random(11)
    at_ms, ratings = 0, []
    for pair in rng.sample(range(users * titles), count):
        at_ms += rng.choice([0, 1, 3_600_000, 86_400_000])
        user, number = f"u{pair // titles}", pair % titles
        ratings.append(Rating(user, f"t{number}", rng.choice([1.0, 3.0, 4.0, 5.0]), at_ms))
    contents = {
        f"t{number}": title(
            f"t{number}",
            genres=tuple(rng.sample(["Crime", "Love", "Space", "War"], rng.randrange(3))),
            release_year=rng.choice([None, 1960 + number]),
        )
        for number in range(titles)
    }
    return RatingSet("random", ratings, contents)


def state_of(rating: Rating, offset: int) -> WatchState:
    return WatchState(
        user_id=rating.user, content_id=rating.content_id, epoch=0, completions=0, completed=False,
        watched_s=0, position_s=0, duration_s=0, progress=0, resumable=False, rating=rating.rating,
        updated_at_ms=rating.at_ms, source_offset=offset,
    )  # fmt: skip


class Stream:
    """The agents between watch states and slates, joined by records."""

    def __init__(self) -> None:
        self.follower = ValueModelFollower(SETTINGS)
        self.follower.on_tick(0)  # nothing was there before: from here on it learns
        self.fitter = CoWatchFitter(SETTINGS)
        self.slates = Driver(slates.SPEC, SETTINGS)
        self.now_ms = 0

    def deliver(self, record: Record) -> None:
        """Hand a record to every agent that reads its topic."""
        for agent, topics in (
            (self.follower, value_model.SPEC.sources),
            (self.fitter, co_watch.SPEC.sources),
            (self.slates.step, slates.SPEC.replicas),
        ):
            for topic in topics:
                if topic.name == record.topic:
                    agent.on_replica(topic, [record])

    def publish(self, emits: Iterable[Emit]) -> None:
        """Deliver what an agent emitted."""
        for emit in emits:
            self.deliver(Record(emit.topic.name, 0, 0, 0, emit.key, emit.value))

    def refit(self) -> None:
        """Fit and publish."""
        function, arguments = self.fitter.job()
        self.publish(self.fitter.on_fitted(function(*arguments)))

    def work(self) -> None:
        """Tick until nobody has anything left to do."""
        while True:
            self.now_ms += TICK_MS
            emits = self.follower.on_tick(self.now_ms)
            self.publish(emits)
            self.slates.tick(self.now_ms)
            if not emits and not self.follower.busy():
                return

    def slate(self, user: str, offset: int) -> list[tuple[str, float]]:
        """The slate after one more interaction, with a title that nobody knows."""
        nudge = interaction(offset, user_id=user, content_id="nowhere", kind="restored")
        (emit,) = self.slates.feed([nudge], offset=offset, now_ms=self.now_ms).emits
        entries = orjson.loads(emit.value or b"")["entries"]
        return [(entry["content_id"], entry["score"]) for entry in entries]


@pytest.fixture(scope="module")
def both_ways() -> tuple[RatingSet, Gateway, Stream]:
    ratings = rating_set(users=15, titles=60, count=450)
    gateway, stream = Gateway(ratings, SETTINGS), Stream()
    known: set[str] = set()
    for offset, rating in enumerate(ratings.ratings):
        if rating.content_id not in known:
            known.add(rating.content_id)
            stream.deliver(record_of(CONTENTS, ratings.content(rating.content_id)))
        if offset % REFIT_EVERY == REFIT_EVERY - 1:
            gateway.refit()
            stream.refit()
        gateway.take(rating)
        stream.deliver(record_of(WATCH_STATES, state_of(rating, offset), offset))
        done = interaction(
            offset, user_id=rating.user, content_id=rating.content_id, kind="rated", progress=0.0,
            rating=rating.rating, occurred_at_ms=rating.at_ms,
        )  # fmt: skip
        stream.slates.feed([done], offset=offset, now_ms=stream.now_ms)
        stream.work()
    return ratings, gateway, stream


def test_slates_are_those_of_the_evaluator(both_ways: tuple[RatingSet, Gateway, Stream]) -> None:
    ratings, gateway, stream = both_ways
    offset, compared = len(ratings.ratings), 0
    for user in sorted({rating.user for rating in ratings.ratings}):
        titles, totals, _, _ = gateway.candidates(user)
        scores = dict(zip(titles.tolist(), np.round(totals, 6).tolist(), strict=True))
        shown = [(gateway.content.ids[each], scores[each]) for each in gateway.shown(user)]
        assert stream.slate(user, offset) == shown
        offset, compared = offset + 1, compared + len(shown)
    assert compared == 15 * SETTINGS.slate_size


def test_weights_are_those_of_the_evaluator(both_ways: tuple[RatingSet, Gateway, Stream]) -> None:
    _, gateway, stream = both_ways
    ours, theirs = gateway.learner.model, stream.slates.step._ranker.model
    assert ours.learned == theirs.learned > 150
    for name in ("weights", "squares", "scales"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert not np.array_equal(ours.weights[0], ours.weights[1])


def test_scores_of_all_titles_are_equal_to_the_last_bit(
    both_ways: tuple[RatingSet, Gateway, Stream],
) -> None:
    ratings, gateway, stream = both_ways
    ranker = stream.slates.step._ranker
    for user in sorted({rating.user for rating in ratings.ratings}):
        titles, totals, matrix, _ = gateway.candidates(user)
        history = make_history(ranker.content, gateway.learner.seen(user))
        served = np.array([ranker.content.index[gateway.content.ids[each]] for each in titles])
        scores = ranker.score(history)
        assert np.array_equal(scores.total[served], totals)
        assert np.array_equal(ranker.matrix(scores, served), matrix)
