"""Canonical content: one title, whatever the partner called it."""

from typing import Literal, get_args

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId, PartnerId, RegionCode

ContentType = Literal["movie", "series", "season", "episode", "short", "documentary"]
OfferKind = Literal["subscription", "rent", "buy", "free"]
OFFERS: tuple[OfferKind, ...] = get_args(OfferKind)


class Availability(WireModel):
    """Where and when one partner offers the title; an open end is an absent field."""

    partner: PartnerId
    region: RegionCode | None = Field(default=None, description="absent: everywhere")
    from_at_ms: int | None = None
    until_at_ms: int | None = None
    offer: OfferKind = "subscription"
    price_minor: int | None = Field(default=None, ge=0, description="price in minor units (cents)")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")


class PartnerRecord(WireModel):
    """One partner's record of a title, and why it is taken for that title."""

    partner: PartnerId
    partner_id: str
    content_id: ContentId = Field(description="its own id, which leads to the title for ever")
    method: Literal["eidr", "imdb", "tmdb", "title", "part", "text"] | None = Field(
        default=None, description="absent: the record that names the title"
    )
    confidence: float | None = Field(default=None, ge=0, le=1)
    matched: ContentId | None = Field(default=None, description="own id of the record it matches")


class Content(WireModel):
    """One canonical title; ``updated_at_ms`` is the newest event time merged in."""

    content_id: ContentId
    type: ContentType
    title: str = Field(min_length=1, max_length=500)
    overview: str | None = Field(default=None, max_length=8000)
    release_year: int | None = Field(default=None, ge=1870, le=2200)
    runtime_s: int | None = Field(default=None, ge=0, le=1_000_000)
    genres: tuple[str, ...] = ()
    cast: tuple[str, ...] = Field(default=(), max_length=100)
    directors: tuple[str, ...] = Field(default=(), max_length=50)
    themes: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    language: str | None = None
    countries: tuple[str, ...] = ()
    maturity_rating: str | None = None
    series_id: ContentId | None = None
    season_number: int | None = Field(default=None, ge=0)
    episode_number: int | None = Field(default=None, ge=0)
    version_of: ContentId | None = Field(
        default=None, description="another cut of this title; progress is shared with it"
    )
    same_as: ContentId | None = Field(
        default=None, description="this id is another name of that title, and nothing else"
    )
    partner_ids: dict[str, str] = Field(default={}, description="partner -> its own id")
    external_ids: dict[str, str] = Field(default={}, description="imdb, tmdb, eidr")
    availability: tuple[Availability, ...] = ()
    records: tuple[PartnerRecord, ...] = Field(
        default=(), description="when several partner records are this title: which, and why"
    )
    quality: float | None = Field(default=None, ge=0, le=1, description="how complete it is")
    missing: tuple[str, ...] = Field(default=(), description="fields without a value")
    image_url: str | None = Field(default=None, max_length=2000)
    updated_at_ms: int = Field(ge=0)
