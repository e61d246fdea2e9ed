"""Progress events: what a player app reports, and what a viewer decides about a title."""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId, DeviceId, EventId, RegionCode, SessionId, UserId

PlaybackState = Literal["playing", "paused", "seeking", "stopped", "ended", "interstitial"]
ViewerDecision = Literal["dismissed", "restored", "hidden", "unhidden", "rated"]
# The mark of an erasure is written by ``media-gateway erase`` and never accepted from an app.
DecisionOrMark = Literal[ViewerDecision, "erased"]
ALL_TITLES = "all-titles"  # content id of a mark that names no title
PROGRESS_BYTES_MAX = 16 * 1024
PROGRESS_BATCH_MAX = 500
POSITION_S_MAX = 360_000.0  # 100 hours: longer than anything that is one title


class ProgressEvent(WireModel):
    """One report about one user and one title.

    ``position_s`` excludes advertisements. ``played_from_s``/``played_to_s`` claim what was really
    played since the previous report. ``preset`` names the completion rules; the gateway sets it
    when it accepts the event, so that a replay needs nothing but the event. The viewer decisions
    (dismissed, restored, hidden, unhidden, rated) travel here too: one user's facts keep one order.

    So does the mark of an erasure (``erased``): everything of the user that occurred until then is
    to be forgotten. Its ``device_id`` is the user's pseudonym, by which that is remembered.
    """

    event_id: EventId
    user_id: UserId
    content_id: ContentId
    session_id: SessionId
    device_id: DeviceId
    state: PlaybackState | DecisionOrMark
    position_s: float = Field(default=0.0, ge=0, le=POSITION_S_MAX)
    duration_s: float = Field(default=0.0, ge=0, le=POSITION_S_MAX, description="0: unknown")
    occurred_at_ms: int = Field(ge=0, le=253_402_300_799_000)
    credits_at_s: float | None = Field(default=None, ge=0, le=POSITION_S_MAX)
    played_from_s: float | None = Field(default=None, ge=0, le=POSITION_S_MAX)
    played_to_s: float | None = Field(default=None, ge=0, le=POSITION_S_MAX)
    playback_rate: float = Field(default=1.0, gt=0, le=16)
    rating: float | None = Field(default=None, ge=0, le=5)
    region: RegionCode | None = None
    preset: str = Field(default="default", max_length=40)
    client_app: str | None = Field(default=None, max_length=64)
    client_version: str | None = Field(default=None, max_length=64)
    accepted_at_ms: int = Field(default=0, ge=0, description="gateway clock, for lag metrics only")
