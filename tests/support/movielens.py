"""MovieLens latest-small as watch states: ratings become viewings, and the ledger makes of them
what it makes of a player's reports. Played in time order, each start is scored before it counts.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from agents.start_scores import scores_record, source_scores
from cli.bench.attributes import read_films
from cli.demo.catalogues import content_id_of, load_films
from cli.demo.viewers import MOVIELENS_DIRECTORY, load_viewers
from cli.demo.viewing import events_of, schedule
from cli.evaluate.gateway import Gateway
from cli.evaluate.ratings import RatingSet
from domain.cowatch import ENGAGED_ONLY, watch_weight
from domain.evidence import seen_of
from domain.regression.start_store import StartStore
from domain.regression.starts import Starts, start_of
from domain.seen import Seen
from domain.sources.registry import NAMES
from domain.watch import outcomes
from domain.watch.ledger import UserLedger
from domain.watch.view import Stamp, watch_state_bytes
from infra.settings import Settings
from schemas.codec import decode
from schemas.progress import ProgressEvent
from schemas.watch_state import WatchState

ANCHOR_MS = 1_760_000_000_000
REFIT_EVERY = 5_000
DATA = Path(
    os.environ.get("MEDIA_GATEWAY_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
needs_movielens = pytest.mark.skipif(
    not (DATA / MOVIELENS_DIRECTORY / "ratings.csv").is_file(),
    reason=f"{MOVIELENS_DIRECTORY} is not below MEDIA_GATEWAY_DATA",
)


def watch_states(every: int = 1, data: Path = DATA) -> Iterator[WatchState]:
    """Yield the final watch state of every (viewer, film), of each ``every``-th viewer.

    Where ``data`` holds no MovieLens, the viewers are the simulated ones of the demo.
    """
    films = load_films()
    runtimes_s = {
        content_id_of(film): int(film.payload["Runtime"] * 60)
        for film in films
        if film.payload["Runtime"]
    }
    ratings = load_viewers(data, films, viewers_max=0).ratings
    viewings = schedule(ratings, runtimes_s, anchor_ms=ANCHOR_MS)
    viewings.sort(key=lambda viewing: viewing.user_id)
    kept = set(sorted({viewing.user_id for viewing in viewings})[::every])
    viewings = [viewing for viewing in viewings if viewing.user_id in kept]
    abandoned_days = Settings().abandoned_row_days
    for user_id, own in groupby(viewings, key=lambda viewing: viewing.user_id):
        ledger = UserLedger(None)
        for viewing in own:
            for event in events_of(viewing):
                outcomes.apply(ledger, ProgressEvent.model_validate(event), abandoned_days)
            title = ledger.title(viewing.content_id)
            body = watch_state_bytes(user_id, viewing.content_id, title, Stamp(0, 0, ledger.recent))
            yield decode(WatchState, body)


def scored_starts(states: Sequence[WatchState]) -> Starts:
    """Return the starts of watch states with the scores that the learner's ranker gave before each.

    A start counts as begun when it begins and with its final state at its last report; the models
    that are refit are refit every ``REFIT_EVERY`` starts. No lesson is taken: the scores of sources
    do not depend on what they are worth.
    """
    played = {state.content_id for state in states}
    gateway = Gateway(RatingSet("MovieLens", [], {}), Settings())
    for film in read_films(DATA):
        if film.content_id in played:
            gateway.content.put_content(film)
    learner, store = gateway.learner, StartStore(NAMES)
    moments = [(state.started_at_ms, False, state) for state in states]
    moments += [(state.updated_at_ms, True, state) for state in states]
    moments.sort(key=lambda each: (*each[:2], each[2].user_id, each[2].content_id))
    begun = 0
    for at_ms, over, state in moments:
        user, content_id = state.user_id, state.content_id
        if over:
            gateway.observe(user, content_id, seen_of(state), watch_weight(state), learn=False)
            continue
        if begun % REFIT_EVERY == 0:
            gateway.refit()
        begun += 1
        title = np.array([gateway.content.index[content_id]])
        scores = learner.ranker.matrix(learner.score(user).scores, title)[:, 0]
        store.put(user, content_id, start_of(state))
        store.put_scores(user, content_id, source_scores(scores_record(state, scores)))
        gateway.observe(user, content_id, Seen(at_ms, 0.0, True), ENGAGED_ONLY, learn=False)
    return store.starts()
