"""Slates: the recommendations of one user, ready to serve."""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId, Identifier, RegionCode, UserId

RecommendationType = Literal[
    "collaborative", "content_based", "graph_based", "context_aware",
    "hybrid", "trending", "exploration",
]  # fmt: skip


class ExperimentVariant(WireModel):
    """The experiment and the variant that shaped an entry."""

    experiment_id: str
    variant_name: str


class SlateEntry(WireModel):
    """One recommendation. ``based_on`` and ``explanation`` name the largest terms of the score."""

    content_id: ContentId
    title: str | None = None
    score: float
    recommendation_type: RecommendationType
    based_on: tuple[str, ...] = Field(description="content ids or signals, largest term first")
    explanation: str
    generated_at_ms: int = Field(ge=0)
    ttl_s: int = Field(gt=0)
    model_version: str
    experiment_variant: ExperimentVariant | None = None


class RowTitle(WireModel):
    """One title of a row; ``score`` is on the scale of the slate, whatever orders the row."""

    content_id: ContentId
    title: str | None = None
    score: float


class SlateRow(WireModel):
    """One more row for the viewer's feed, best first; ``because_of`` is the title it comes from."""

    name: Literal["because_you_watched", "new_for_you"]
    because_of: ContentId | None = None
    because_of_title: str | None = None
    entries: tuple[RowTitle, ...] = Field(max_length=50)


class SlateFeed(WireModel):
    """What a slate knows of the feed besides its entries; fields as in ``Slate``."""

    rows: tuple[SlateRow, ...] = Field(default=(), max_length=10)
    log_partition: float | None = None


class SlateRanking(WireModel):
    """How a slate came about, to explain it: what its scores are made of, and what stayed out.

    ``terms`` and ``because`` have one part for each entry of the slate. ``terms`` are one number
    for each of ``sources``; with the lift of the entry they add up to its score, within 1e-5.
    ``because`` are the titles of the viewer with the largest terms (of all sources together) and
    these terms, largest first.

    ``pool`` are the best titles by score that the slate was chosen from, and their scores, best
    first: all ``candidates`` where these are fewer than it can hold. A candidate may be recommended
    to the viewer and has something that speaks for it. Of entries and pool, ``lifts`` is what
    ranking rules add to scores, and ``rules`` which pin, raise or lower a title, in this order.
    """

    region: RegionCode | None = None
    age_max: int = Field(ge=0, description="age in years that titles are for at most; 99: any")
    filters: tuple[Identifier, ...] = Field(default=(), description="rules that keep titles out")
    candidates: int = Field(ge=0)
    sources: tuple[str, ...]
    terms: tuple[tuple[float, ...], ...] = Field(max_length=200)
    because: tuple[dict[ContentId, float], ...] = Field(max_length=200)
    lifts: dict[ContentId, float] = Field(default={}, max_length=400)
    rules: dict[ContentId, tuple[Identifier, ...]] = Field(default={}, max_length=400)
    pool: dict[ContentId, float] = Field(max_length=200)
    displaced: tuple[ContentId, ...] = Field(
        default=(), max_length=200, description="chosen, then moved out by exploration or pins"
    )


class PackedRanking(WireModel):
    """A ``SlateRanking`` in fewer bytes; ``domain.packed_ranking`` gives it back.

    Terms and scores are whole thousandths: a score is the logarithm of odds, so 0.1 % of these.
    What the entries of the slate say is not repeated: their scores, and their ids in ``pool``.
    ``terms``, ``because`` and ``ranks`` have one part for each entry.
    """

    region: RegionCode | None = None
    age_max: int = Field(ge=0)
    filters: tuple[Identifier, ...] = ()
    candidates: int = Field(ge=0)
    sources: tuple[str, ...] = Field(description="those with a term other than 0 in this slate")
    terms: tuple[tuple[int, ...], ...] = Field(max_length=200, description="one of each source")
    causes: tuple[ContentId, ...] = Field(description="the titles of the viewer in `because`")
    because: tuple[tuple[int, ...], ...] = Field(
        max_length=200, description="place among the causes, term, place, term, ...; 0, 0: none"
    )
    lifts: dict[ContentId, float] = Field(default={}, max_length=400)
    rules: dict[ContentId, tuple[Identifier, ...]] = Field(default={}, max_length=400)
    ranks: tuple[int, ...] = Field(
        max_length=200, description="place of each entry in the pool, 1 is best; 0: not in it"
    )
    pool: tuple[ContentId, ...] = Field(
        max_length=200, description="the titles of the pool that are not entries, best first"
    )
    drops: tuple[int, ...] = Field(
        max_length=200, description="how far each lies below the one before; the first below 0"
    )
    displaced: tuple[ContentId, ...] = Field(default=(), max_length=200)


class Slate(WireModel):
    """The ranked list of one user, best first.

    ``as_of_ms`` is the event time of the newest interaction included, ``source_offset`` the
    progress offset that produced it (see ``WatchState.interaction_offset``). ``ranking`` is how
    older slates carry what newer ones carry as ``packed_ranking``.
    """

    user_id: UserId
    entries: tuple[SlateEntry, ...] = Field(max_length=200)
    as_of_ms: int = Field(ge=0)
    newest_event_id: str | None = None
    source_offset: int = Field(ge=-1)
    generated_at_ms: int = Field(ge=0)
    model_version: str
    rows: tuple[SlateRow, ...] = Field(default=(), max_length=10)
    log_partition: float | None = Field(
        default=None,
        description="ln of the sum of e^score over all titles that could be recommended: "
        "e^(score - it) is the modelled probability that the next liked title is this one",
    )
    ranking: SlateRanking | None = None
    packed_ranking: PackedRanking | None = None
