"""Statistics of one title over all viewers, as the ranking needs them."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId


class TitleStatistics(WireModel):
    """``decayed`` are viewers decayed to ``as_of_ms`` with half-lives of 1, 7 and 30 days."""

    content_id: ContentId
    viewers: int = Field(ge=0, description="who watched or rated it, each once")
    likes: int = Field(ge=0, description="those of them who completed it or rated it high")
    first_at_ms: int = Field(ge=0)
    as_of_ms: int = Field(ge=0)
    decayed: tuple[float, ...] = Field(max_length=8)
