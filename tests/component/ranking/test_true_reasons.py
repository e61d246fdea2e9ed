"""Reasons are true for real viewers: without the title named first, the score is lower. Always."""

from collections import Counter

from cli.demo.viewers import MOVIELENS_DIRECTORY
from cli.evaluate.gateway import Gateway
from cli.evaluate.ratings import RatingSet, load
from domain.ranking.value_model import EVIDENCE_FULL
from domain.slates import SlateRules
from infra.settings import Settings
from tests.support.movielens import DATA, needs_movielens
from tests.support.ranking import named_causes

VIEWERS = 200
RATINGS_MAX = 40  # of one viewer: twice the window of recency
REFIT_EVERY = 2000


def ratings() -> RatingSet:
    """The first ratings of 200 viewers, in time order."""
    whole = load(DATA / MOVIELENS_DIRECTORY, users_max=VIEWERS)
    taken: Counter[str] = Counter()
    kept = []
    for rating in whole.ratings:
        taken[rating.user] += 1
        if taken[rating.user] <= RATINGS_MAX:
            kept.append(rating)
    return RatingSet(whole.name, kept, whole.contents)


@needs_movielens
def test_the_score_falls_without_the_title_that_is_named(record_property) -> None:
    given = ratings()
    gateway = Gateway(given, Settings())
    for number, rating in enumerate(given.ratings, 1):
        gateway.take(rating)
        if number % REFIT_EVERY == 0:
            gateway.refit()
    gateway.refit()
    rules = SlateRules(size=20, ttl_s=60)
    first, false = 0, []
    for user in sorted(gateway.users):
        gateway.shown(user)  # brings rows and popularity up to date
        seen = gateway.learner.seen(user)
        if len(seen) <= EVIDENCE_FULL:  # with one less the weights would be others
            continue
        named = named_causes(gateway.learner.ranker, seen, rules)
        first += len({each.content_id for each in named})
        false += [(user, *each) for each in named if each.after >= each.before]
    record_property("entries_with_named_titles", first)
    assert false == []
    assert first > 0.9 * len(gateway.users) * rules.size
