"""Neighbours: the top-K titles of one title and how much it speaks for each, versioned."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId


class Neighbour(WireModel):
    """One neighbour; a larger weight speaks for it more strongly."""

    content_id: ContentId
    weight: float


class Neighbours(WireModel):
    """Best first, at most K, without the title itself. Ties by content_id."""

    content_id: ContentId
    model_version: int = Field(
        ge=0,
        description="grows: at least the sum of the source offsets fitted, or number of the row",
    )
    neighbours: tuple[Neighbour, ...] = Field(max_length=500)
