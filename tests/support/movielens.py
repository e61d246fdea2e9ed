"""MovieLens latest-small as watch states: ratings become viewings, and the ledger makes of them
what it makes of a player's reports.
"""

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from cli.demo.catalogues import content_id_of, load_films
from cli.demo.viewers import MOVIELENS_DIRECTORY, load_viewers
from cli.demo.viewing import events_of, schedule
from domain.watch import outcomes
from domain.watch.ledger import UserLedger
from domain.watch.view import Stamp, watch_state_bytes
from infra.settings import Settings
from schemas.codec import decode
from schemas.progress import ProgressEvent
from schemas.watch_state import WatchState

ANCHOR_MS = 1_760_000_000_000
DATA = Path(
    os.environ.get("MEDIA_GATEWAY_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
needs_movielens = pytest.mark.skipif(
    not (DATA / MOVIELENS_DIRECTORY / "ratings.csv").is_file(),
    reason=f"{MOVIELENS_DIRECTORY} is not below MEDIA_GATEWAY_DATA",
)


def watch_states() -> Iterator[WatchState]:
    """Yield the final watch state of every (viewer, film)."""
    films = load_films()
    runtimes_s = {
        content_id_of(film): int(film.payload["Runtime"] * 60)
        for film in films
        if film.payload["Runtime"]
    }
    ratings = load_viewers(DATA, films, viewers_max=0).ratings
    viewings = schedule(ratings, runtimes_s, anchor_ms=ANCHOR_MS)
    viewings.sort(key=lambda viewing: viewing.user_id)
    abandoned_days = Settings().abandoned_row_days
    for user_id, own in groupby(viewings, key=lambda viewing: viewing.user_id):
        ledger = UserLedger(None)
        for viewing in own:
            for event in events_of(viewing):
                outcomes.apply(ledger, ProgressEvent.model_validate(event), abandoned_days)
            title = ledger.title(viewing.content_id)
            body = watch_state_bytes(user_id, viewing.content_id, title, Stamp(0, 0, ledger.recent))
            yield decode(WatchState, body)
