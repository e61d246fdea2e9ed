"""Trending: decayed unique viewers, one partial count per user partition, merged by readers."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId


class TrendingEntry(WireModel):
    """Unique viewers who started one title in one region, weighted by age at ``as_of_ms``."""

    content_id: ContentId
    region: str = Field(description="ISO country, or ZZ when the viewers did not say")
    score: float = Field(ge=0, description="sum of 2^(-age / half-life) over unique viewers")
    viewers: int = Field(ge=0, description="unique viewers in the window, not decayed")


class TrendingPartial(WireModel):
    """The part of the trending counts that one user partition knows; readers add the parts up."""

    shard: str = Field(pattern=r"^[0-9]{1,4}$", description="user partition number")
    as_of_ms: int = Field(ge=0, description="watermark: newest event time of the partition")
    half_life_ms: int = Field(gt=0)
    entries: tuple[TrendingEntry, ...] = Field(max_length=5000)
