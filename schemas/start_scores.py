"""What every source of recommendations said of a title just before a viewer started it."""

from typing import Annotated

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId, UserId

SOURCES_MAX = 100


class StartScores(WireModel):
    """Scores at the first touch of one (user, title), before it was taken in.

    ``scores`` names each source of its day, so a reader can tell what a later source never said. Of
    an episode or a version they are those of its series or original.
    """

    user_id: UserId
    content_id: ContentId
    epoch: int = Field(ge=0, description="of the watch state: 0 is the first watch")
    scores: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(max_length=SOURCES_MAX)
