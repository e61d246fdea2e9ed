"""Content features: how one title does with those who start it."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId


class ContentFeatures(WireModel):
    """Completion and engagement of one title, from starts whose outcome is known.

    Intervals have 95 % confidence. The slope is that of the daily mean progress (0-1) on days; it
    is absent where fewer than three days have starts.
    """

    content_id: ContentId
    version: int = Field(ge=0, description="sum of the source offsets when this last changed")
    starts: int = Field(ge=1)
    completions: int = Field(ge=0)
    first_started_at_ms: int = Field(ge=0)
    completion_rate: float = Field(ge=0, le=1)
    completion_rate_low: float = Field(ge=0, le=1)
    completion_rate_high: float = Field(ge=0, le=1)
    progress_slope_per_day: float | None = None
    progress_slope_low: float | None = None
    progress_slope_high: float | None = None
