"""Watch state: what the ledger knows about one user and one title, as read by everybody else."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId, UserId

RECENT_EVENTS_MAX = 8  # the newest arrivals of a user that ``after_event`` can ask about


class WatchState(WireModel):
    """Latest state of one (user, title). Positions and lengths in seconds, ratios 0-1.

    ``intervals_s`` is the union of really watched intervals of the current epoch, sorted, disjoint.
    ``source_offset`` is the offset in the progress partition of the newest event applied for this
    user, ``interaction_offset`` that of the newest one that produced an interaction, and
    ``recent_events`` the fingerprints (12 hex digits) of the user's newest arrivals, oldest first.
    """

    user_id: UserId
    content_id: ContentId
    epoch: int = Field(ge=0, description="0: first watch; each rewatch adds one")
    completions: int = Field(ge=0, description="epochs that were completed")
    completed: bool = Field(description="the current epoch is complete")
    watched_s: float = Field(ge=0, description="length of the union of watched intervals")
    position_s: float = Field(ge=0, description="resume point; 0 when there is nothing to resume")
    duration_s: float = Field(ge=0)
    progress: float = Field(ge=0, le=1, description="furthest claim of completion, 0-1")
    resumable: bool = Field(description="belongs in continue watching by the preset's rules")
    started_at_ms: int | None = None
    completed_at_ms: int | None = Field(default=None, description="first completion of any epoch")
    updated_at_ms: int = Field(ge=0, description="occurred_at of the newest playback event")
    dismissed: bool = False
    dismissed_at_ms: int | None = Field(default=None, description="when, if it still holds")
    hidden: bool = False
    rating: float | None = None
    intervals_s: tuple[tuple[float, float], ...] = ()
    preset: str = "default"
    source_offset: int = Field(ge=-1)
    interaction_offset: int = Field(default=-1, ge=-1)
    recent_events: tuple[str, ...] = ()
