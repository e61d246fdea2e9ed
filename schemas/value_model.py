"""The value model: what each source's score is worth, and what learning needs to go on."""

from pydantic import Field

from schemas.codec import WireModel


class SourceWeight(WireModel):
    """One source: weights for viewers nothing is known of (cold) and of many titles (warm).

    A title's score is the sum of ``weight * score / scale``. The squares are AdaGrad's sums.
    """

    source: str = Field(min_length=1, max_length=40)
    cold: float
    warm: float
    cold_squares: float = Field(ge=0)
    warm_squares: float = Field(ge=0)
    scale: float = Field(ge=0)


class ValueModel(WireModel):
    """All weights at one moment; ``learned`` engagements were learned from."""

    name: str = Field(min_length=1, max_length=40)
    learned: int = Field(ge=0)
    sources: tuple[SourceWeight, ...] = Field(max_length=100)
