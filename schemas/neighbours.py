"""Co-watch neighbours: the top-K item-item weights of one title (EASE^R), versioned."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId


class Neighbour(WireModel):
    """One neighbour; a larger weight predicts co-watching more strongly."""

    content_id: ContentId
    weight: float


class Neighbours(WireModel):
    """Best first, at most K, without the title itself. Ties by content_id."""

    content_id: ContentId
    model_version: int = Field(ge=0, description="sum of the source offsets that were fitted")
    neighbours: tuple[Neighbour, ...] = Field(max_length=500)
