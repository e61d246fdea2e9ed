"""What the HTTP API takes and gives: bodies of requests and responses.

Every answer about a user has ``as_of`` (the event time of the newest event included) and, when the
caller named an event, ``after_event``. Stored response bodies are extended by the API with
``after_event``, so it is never part of what is stored.
"""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from schemas.codec import WireModel
from schemas.content import ContentType
from schemas.ids import ContentId, DeviceId, EventId, RegionCode, SessionId, UserId
from schemas.model_report import ModelReport
from schemas.progress import POSITION_S_MAX, PlaybackState, ViewerDecision
from schemas.slate import RecommendationType, Slate, SlateEntry
from schemas.times import AT_MS_MAX, from_rfc3339, to_rfc3339
from schemas.watch_state import WatchState

# What the model's validator demands, for readers of the JSON schema.
_CONDITIONS: dict[str, Any] = {
    "oneOf": [
        {"required": ["occurred_at"], "properties": {"occurred_at": {"type": "string"}}},
        {"required": ["occurred_at_ms"], "properties": {"occurred_at_ms": {"type": "integer"}}},
    ],
    "if": {"properties": {"state": {"const": "rated"}}},
    "then": {"required": ["rating"], "properties": {"rating": {"type": "number"}}},
}
RFC_3339: dict[str, Any] = {"format": "date-time"}


class ProgressReport(WireModel):
    """What a player app posts: one report about one user and one title.

    The time is ``occurred_at`` (RFC 3339) or ``occurred_at_ms``. See ``ProgressEvent``.
    """

    model_config = ConfigDict(json_schema_extra=_CONDITIONS)

    event_id: EventId
    user_id: UserId
    content_id: ContentId
    session_id: SessionId
    device_id: DeviceId
    state: PlaybackState | ViewerDecision
    position_s: float = Field(default=0.0, ge=0, le=POSITION_S_MAX)
    duration_s: float = Field(default=0.0, ge=0, le=POSITION_S_MAX, description="0: unknown")
    occurred_at: str | None = Field(default=None, max_length=40, json_schema_extra=RFC_3339)
    occurred_at_ms: int | None = Field(default=None, ge=0, le=AT_MS_MAX)
    credits_at_s: float | None = Field(default=None, ge=0, le=POSITION_S_MAX)
    played_from_s: float | None = Field(default=None, ge=0, le=POSITION_S_MAX)
    played_to_s: float | None = Field(default=None, ge=0, le=POSITION_S_MAX)
    playback_rate: float = Field(default=1.0, gt=0, le=16)
    rating: float | None = Field(default=None, ge=0, le=5)
    region: RegionCode | None = None
    client_app: str | None = Field(default=None, max_length=64)
    client_version: str | None = Field(default=None, max_length=64)

    @model_validator(mode="after")
    def _has_one_time(self) -> "ProgressReport":
        if (self.occurred_at is None) == (self.occurred_at_ms is None):
            raise ValueError("give either occurred_at or occurred_at_ms")
        if self.occurred_at is not None:
            from_rfc3339(self.occurred_at)
        return self

    @property
    def at_ms(self) -> int:
        """When it happened, Unix milliseconds."""
        if self.occurred_at_ms is not None:
            return self.occurred_at_ms
        assert self.occurred_at is not None
        return from_rfc3339(self.occurred_at)


class ProgressResult(WireModel):
    """What became of one event, in the order they were posted."""

    event_id: str | None = Field(description="null when the event had no readable id")
    status: Literal["accepted", "error"]
    error: str | None = None


class ProgressAccepted(WireModel):
    """Answer to posted progress: every accepted event is in Kafka."""

    results: tuple[ProgressResult, ...]


class WebhookAccepted(WireModel):
    """Answer to a webhook: the event is in Kafka. A repeated delivery gets the same id."""

    event_id: EventId


class AfterEvent(WireModel):
    """Whether the answer includes the event the caller named."""

    event_id: str
    included: bool


class UserAnswer(WireModel):
    """What every answer about a user has."""

    user_id: UserId
    as_of: str = Field(description="RFC 3339: event time of the newest event included")
    after_event: AfterEvent | None = None


class Recommendations(UserAnswer):
    """The slate of a user, best first; ``cold_start``: not personal yet, but what is trending."""

    cold_start: bool
    generated_at_ms: int
    model_version: str
    entries: tuple[SlateEntry, ...]


class WatchCard(WireModel):
    """One card of continue watching: where to resume, or the next episode."""

    content_id: ContentId
    title: str | None = None
    type: ContentType | None = None
    series_id: ContentId | None = None
    series_title: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    kind: Literal["resume", "next", "new"] = Field(
        description="resume a title, or begin the next or a newly released episode"
    )
    position_s: float = 0.0
    duration_s: float = 0.0
    progress: float = 0.0
    updated_at_ms: int
    resume_probability: float = Field(
        ge=0, le=1, description="that the viewer goes on with it; a prior, see docs/models/feed.md"
    )


class ContinueWatching(UserAnswer):
    """What the user can go on with, newest or most probable first; one card a series."""

    entries: tuple[WatchCard, ...]


class FeedEntry(WireModel):
    """One title of a row."""

    content_id: ContentId
    title: str | None = None
    probability: float | None = Field(
        default=None, ge=0, le=1, description="that it is played next; null: not known"
    )
    explanation: str | None = None
    card: WatchCard | None = Field(default=None, description="in continue watching: where to go on")


class FeedRow(WireModel):
    """One row of the page, best first."""

    name: Literal[
        "for_you", "because_you_watched", "continue_watching", "trending", "new_for_you"
    ]  # fmt: skip
    title: str = Field(description="heading, for people")
    because_of: ContentId | None = Field(default=None, description="the title that was watched")
    value: float = Field(default=0.0, ge=0, description="expected plays of the first entries")
    entries: tuple[FeedEntry, ...]


class Feed(UserAnswer):
    """The page of a user, most valuable row first; no title comes twice."""

    cold_start: bool = Field(description="there is no slate yet")
    rows: tuple[FeedRow, ...]


AbsenceReason = Literal[
    "removed", "part_of", "hidden", "dismissed", "watched", "in_progress", "begun", "rated",
    "displaced", "diversity", "rank", "newer_than_slate", "not_available", "maturity", "filtered",
    "nothing_speaks_for_it", "below_pool", "not_recorded", "not_trending",
]  # fmt: skip


class ScoreTerm(WireModel):
    """What one source adds to a score."""

    source: str
    kind: str | None = Field(default=None, description="null: of a source that is newer than this")
    label: str = Field(description="what the source says, for people")
    value: float


class ScoreCause(WireModel):
    """What one title of the viewer adds to a score, by all sources together."""

    content_id: ContentId
    title: str | None = None
    value: float


class Explanation(UserAnswer):
    """Why a title is in a user's slate as it is served, or the first thing that kept it out.

    ``explained_content_id`` is the title that was asked about or, for an episode, a season or
    another cut, what it counts for. ``score`` is the sum of ``terms`` and ``lift`` within 1e-5; for
    a title that is not shown, only the score and the rank of the best are known.
    """

    content_id: ContentId
    explained_content_id: ContentId
    title: str | None = None
    cold_start: bool = Field(description="there is no slate yet: what trends is shown")
    generated_at_ms: int
    model_version: str
    place: int | None = Field(default=None, ge=1, description="in the list; absent: not in it")
    reason: AbsenceReason | None = Field(default=None, description="what kept the title out")
    explanation: str = Field(description="for people: as served, or what kept the title out")
    recommendation_type: RecommendationType | None = None
    based_on: tuple[str, ...] = ()
    rank: int | None = Field(default=None, ge=1, description="by score, before variety and rules")
    candidates: int | None = Field(default=None, ge=0, description="titles that were ranked")
    score: float | None = None
    slate_score_min: float | None = Field(
        default=None, description="least score in the list of a title placed by its score"
    )
    pool_score_min: float | None = Field(
        default=None, description="least score of the best titles, from which the list was chosen"
    )
    terms: tuple[ScoreTerm, ...] = Field(default=(), description="of all sources, largest first")
    because: tuple[ScoreCause, ...] = Field(
        default=(), description="the user's titles that add most, largest first"
    )
    lift: float = Field(default=0.0, description="what ranking rules add to the score")
    rules: tuple[str, ...] = Field(
        default=(), description="ids of ranking rules that pin, raise, lower or filter the title"
    )


class HistoryEntry(WireModel):
    """What a user watched of one title; see ``WatchState`` for the meaning of the fields."""

    content_id: ContentId
    title: str | None = None
    epoch: int
    completions: int
    completed: bool
    watched_s: float
    position_s: float
    duration_s: float
    progress: float
    started_at_ms: int | None = None
    completed_at_ms: int | None = None
    updated_at_ms: int
    dismissed: bool
    hidden: bool
    rating: float | None = None

    @classmethod
    def of(cls, state: WatchState, title: str | None) -> "HistoryEntry":
        """Return the public part of a watch state."""
        return cls(title=title, **{name: getattr(state, name) for name in cls._shared()})

    @classmethod
    def _shared(cls) -> list[str]:
        return [name for name in cls.model_fields if name != "title"]


class History(UserAnswer):
    """Watch states, newest first. ``next_cursor`` is absent on the last page."""

    entries: tuple[HistoryEntry, ...]
    next_cursor: str | None = None


class TitledScore(WireModel):
    """A title with its score; the scale depends on the list."""

    content_id: ContentId
    title: str | None = None
    score: float


class SimilarTitle(TitledScore):
    """One similar title. By an attribute the score is a cosine, 0-1, and ``shared`` the reason."""

    shared: tuple[str, ...] | None = Field(
        default=None, description="values that both titles have, rarest first, at most 5"
    )


class Taste(UserAnswer):
    """Titles whose texts are nearest to what a user watched; ties by content_id.

    A score is the cosine to the user's taste, -1 to 1. ``titles`` says how many of the user's it is
    made of; without any there are no entries.
    """

    encoder: str | None = Field(default=None, description="version of the encoder")
    titles: int = Field(ge=0)
    entries: tuple[TitledScore, ...]


SimilarBy = Literal["cowatch", "embedding", "genre", "cast", "director", "themes"]


class Similar(WireModel):
    """Similar titles, strongest first; ties by content_id."""

    content_id: ContentId
    by: SimilarBy
    model_version: int | None = Field(
        default=None, description="of a fitted model; null: it does not know the title yet"
    )
    encoder: str | None = Field(
        default=None, description="by embedding: version of the encoder; null: not encoded yet"
    )
    entries: tuple[SimilarTitle, ...]


class TrendingTitle(TitledScore):
    """One trending title; ``viewers`` are the unique viewers behind the decayed score."""

    viewers: int


class Trending(WireModel):
    """Trending titles of a region (all regions when absent), best first."""

    region: RegionCode | None = None
    genre: str | None = None
    as_of: str
    score_total: float = Field(
        default=0.0, description="sum of the scores of all trending titles, shown or not"
    )
    entries: tuple[TrendingTitle, ...]


class Models(WireModel):
    """The fitted models, by name."""

    entries: tuple[ModelReport, ...]


class Alive(WireModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(WireModel):
    """The parts the API depends on."""

    status: Literal["ready", "not_ready"]
    kafka: bool = Field(description="the broker takes records")
    postgres: bool = Field(description="the database answers")
    records_in_flight: int = Field(description="records waiting for Kafka's acknowledgement")


class Problem(WireModel):
    """RFC 9457 problem document."""

    type: str = Field(
        pattern=r"^urn:media-gateway:problem:[a-z\-]+$",
        max_length=100,
        description="stable URI of the kind of problem",
    )
    title: str = Field(max_length=100, description="the same for every problem of a type")
    status: int = Field(ge=400, le=599, description="the status of the answer")
    detail: str | None = Field(default=None, max_length=4000, description="about this request")
    instance: str | None = Field(
        default=None,
        pattern=r"^urn:media-gateway:request:[0-9a-f]{32}$",
        max_length=100,
        description="id of this request, for the logs",
    )
    errors: tuple[dict[str, Any], ...] | None = Field(
        default=None, max_length=20, description="of the first events of a batch, in their order"
    )


def recommendations_of(slate: Slate) -> Recommendations:
    """Return the answer that serves ``slate``."""
    return Recommendations(
        user_id=slate.user_id,
        as_of=to_rfc3339(slate.as_of_ms),
        cold_start=False,
        generated_at_ms=slate.generated_at_ms,
        model_version=slate.model_version,
        entries=slate.entries,
    )
