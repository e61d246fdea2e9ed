"""How much a title speaks for a viewer's taste: one rule for profiles, models and statistics.

Completed or liked is 1; a title that the viewer dismissed, hid or rated low says nothing; otherwise
it is the progress, from ``PROGRESS_MIN`` on.
"""

from domain.seen import Seen
from schemas.watch_state import WatchState

PROGRESS_MIN = 0.30  # less than this is no evidence of interest
LIKED_MIN = 4.0  # rating on a scale of 0-5
LOW_RATING_MAX = 2.5


def evidence(*, progress: float, completed: bool, rating: float | None, refused: bool) -> float:
    """Return the evidence, 0-1; ``refused`` titles were dismissed or hidden."""
    if refused or (rating is not None and rating <= LOW_RATING_MAX):
        return 0.0
    if completed or (rating is not None and rating >= LIKED_MIN):
        return 1.0
    return progress if progress >= PROGRESS_MIN else 0.0


def seen_of(state: WatchState) -> Seen:
    """Return what a watch state says about one title of one viewer."""
    completed = state.completed or state.completions > 0
    return Seen(
        at_ms=state.updated_at_ms,
        evidence=evidence(
            progress=state.progress,
            completed=completed,
            rating=state.rating,
            refused=state.dismissed or state.hidden,
        ),
        engaged=state.started_at_ms is not None or state.rating is not None,
        watched=completed or state.progress >= PROGRESS_MIN,
    )
