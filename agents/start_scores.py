"""The scores of a start <-> the record in which they travel."""

from domain.ranking.history import Floats
from domain.regression.starts import SourceScores
from domain.sources.registry import NAMES
from schemas.start_scores import StartScores
from schemas.watch_state import WatchState

DECIMALS = 6


def scores_record(state: WatchState, scores: Floats) -> StartScores:
    """Return the record of the start that a watch state tells of.

    Args:
        state: after the start.
        scores: before it, 0-1, in the order of the registry.
    """
    return StartScores(
        user_id=state.user_id,
        content_id=state.content_id,
        epoch=state.epoch,
        scores=dict(zip(NAMES, scores.round(DECIMALS).tolist(), strict=True)),
    )


def source_scores(record: StartScores) -> SourceScores | None:
    """Return the scores in the order of the registry; None where one of its sources is missing.

    A source that is newer than the start did not give it 0: it was not asked. Sources that are gone
    are left out.
    """
    if not record.scores.keys() >= set(NAMES):
        return None
    return SourceScores(record.epoch, tuple(record.scores[name] for name in NAMES))
