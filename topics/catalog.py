"""Every topic of Media Gateway, in the order of the flow. Read this file first.

User-side topics share ``USER_PARTITIONS`` and are keyed by user, so everything about a user is in
one partition. Content-side topics are small, have one partition (a total order), and every worker
that needs them holds them whole.
"""

from schemas.audit_entry import AuditEntry
from schemas.content import Content
from schemas.content_features import ContentFeatures
from schemas.embedding import Embedding
from schemas.interaction import Interaction
from schemas.model_report import ModelReport
from schemas.neighbours import Neighbours
from schemas.progress import ProgressEvent
from schemas.ranking_rule import RankingRule
from schemas.record_text import RecordText, RecordVector
from schemas.slate import Slate
from schemas.start_scores import StartScores
from schemas.times import DAY_MS
from schemas.title_statistics import TitleStatistics
from schemas.trending import TrendingPartial
from schemas.value_model import ValueModel
from schemas.watch_state import WatchState
from schemas.webhook import WebhookReceived
from topics.spec import TopicSpec

USER_PARTITIONS = 8
MEBIBYTE = 1024 * 1024

WEBHOOKS = TopicSpec(
    name="ingestion.webhooks.v1",
    schema=WebhookReceived,
    key=("partner", "webhook_id"),
    partitions=1,  # one catalogue decides which records are the same title: a total order
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    message_bytes_max=MEBIBYTE + 4096,
    writer="api",
    readers=("catalogue",),
    description="Partner webhooks that passed the signature check, as accepted.",
    dead_letter=True,
)
CONTENTS = TopicSpec(
    name="catalogue.contents.v1",
    schema=Content,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="catalogue",
    readers=("value-model", "slates", "serving-contents", "api", "embeddings"),
    description="Canonical contents; a tombstone removes one.",
)
RECORD_TEXTS = TopicSpec(
    name="catalogue.record-texts.v1",
    schema=RecordText,
    key=("partner", "partner_id"),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="catalogue",
    readers=("record-vectors",),
    description="Texts of partner records that a vector could join with another record.",
)
RECORD_VECTORS = TopicSpec(
    name="catalogue.record-vectors.v1",
    schema=RecordVector,
    key=("partner", "partner_id"),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="record-vectors",
    readers=("catalogue", "record-vectors"),
    description="The vector of each such text, versioned; a tombstone takes one back.",
)
RANKING_RULES = TopicSpec(
    name="catalogue.ranking-rules.v1",
    schema=RankingRule,
    key=("rule_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="rule-outbox",
    readers=("slates", "serving-ranking-rules", "cli"),
    description="What the product team pins, boosts, buries and filters; a tombstone ends a rule.",
)
PROGRESS = TopicSpec(
    name="playback.progress-events.v1",
    schema=ProgressEvent,
    key=("user_id",),
    partitions=USER_PARTITIONS,
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    message_bytes_max=MEBIBYTE + 4096,
    writer="api",
    readers=("watch-states",),
    # The marks of erasures are written by the command: in this order, or they would have none.
    description="Progress events, viewer decisions, and marks of erasures.",
    dead_letter=True,
)
WATCH_STATES = TopicSpec(
    name="playback.watch-states.v1",
    schema=WatchState,
    key=("user_id", "content_id"),
    partitions=USER_PARTITIONS,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="watch-states",
    readers=("co-watch", "value-model", "regression", "serving-watch-states"),
    description="Latest watch state per user and title, from the ledger.",
)
INTERACTIONS = TopicSpec(
    name="playback.interactions.v1",
    schema=Interaction,
    key=("user_id",),
    partitions=USER_PARTITIONS,
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    message_bytes_max=MEBIBYTE,
    writer="watch-states",
    readers=("trending", "slates"),
    description="Meaningful changes derived by the ledger.",
)
TRENDING = TopicSpec(
    name="intelligence.trending-partials.v1",
    schema=TrendingPartial,
    key=("shard",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="trending",
    readers=("slates", "serving-trending"),
    description="Decayed unique viewers per title and region, one part per user partition.",
)
NEIGHBOURS = TopicSpec(
    name="intelligence.neighbours.v1",
    schema=Neighbours,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="co-watch",
    readers=("value-model", "slates", "serving-neighbours", "co-watch"),
    description="Top-K co-watch neighbours per title (EASE^R), versioned.",
)
TOGETHER = TopicSpec(
    name="intelligence.together-neighbours.v1",
    schema=Neighbours,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="co-watch",
    readers=("value-model", "slates", "co-watch"),
    description="Top-K titles that the same viewers engage with (EASE^R), versioned.",
)
NEXT_TITLES = TopicSpec(
    name="intelligence.next-titles.v1",
    schema=Neighbours,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="value-model",
    readers=("slates", "value-model"),
    description="Top-K titles that viewers go on to, kept current by the event.",
)
TITLE_STATISTICS = TopicSpec(
    name="intelligence.title-statistics.v1",
    schema=TitleStatistics,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="value-model",
    readers=("slates", "value-model"),
    description="Viewers, likes, age and popularity per title, kept current by the event.",
)
VALUE_MODELS = TopicSpec(
    name="intelligence.value-models.v1",
    schema=ValueModel,
    key=("name",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="value-model",
    readers=("value-model", "slates"),
    description="What each source's score is worth, learned from the stream.",
)
START_SCORES = TopicSpec(
    name="intelligence.start-scores.v1",
    schema=StartScores,
    key=("user_id", "content_id"),
    partitions=USER_PARTITIONS,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="value-model",
    readers=("regression", "value-model"),
    description="Scores of all sources for a title, just before a viewer started it.",
)
EMBEDDINGS = TopicSpec(
    name="intelligence.embeddings.v1",
    schema=Embedding,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="embeddings",
    readers=("serving-embeddings", "embeddings"),
    description="Text embedding per title, versioned; a tombstone removes one.",
)
EMBEDDING_NEIGHBOURS = TopicSpec(
    name="intelligence.embedding-neighbours.v1",
    schema=Neighbours,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="embeddings",
    readers=("value-model", "slates", "embeddings"),
    description="Titles of nearest text that had a row before; a pair counts for both.",
)
MODELS = TopicSpec(
    name="intelligence.models.v1",
    schema=ModelReport,
    key=("name",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="regression",
    readers=("serving-models", "regression"),
    description="Coefficients and quality of each regression model, versioned.",
)
CONTENT_FEATURES = TopicSpec(
    name="intelligence.content-features.v1",
    schema=ContentFeatures,
    key=("content_id",),
    partitions=1,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="regression",
    readers=("serving-content-features", "regression"),
    description="Completion rate and engagement trend per title, with intervals.",
)
SLATES = TopicSpec(
    name="intelligence.slates.v1",
    schema=Slate,
    key=("user_id",),
    partitions=USER_PARTITIONS,
    cleanup="compact",
    retention_ms=-1,
    message_bytes_max=MEBIBYTE,
    writer="slates",
    readers=("serving-slates",),
    description="The ranked list of each user, ready to serve.",
)
AUDIT_ENTRIES = TopicSpec(
    name="operations.audit-entries.v1",
    schema=AuditEntry,
    key=("sequence",),
    partitions=1,  # a chain: a total order
    cleanup="delete",
    retention_ms=3 * 365 * DAY_MS,
    message_bytes_max=MEBIBYTE,
    writer="audit-outbox",
    readers=("cli",),
    description="Who changed what: a copy of the audit trail that the database cannot rewrite.",
)

CATALOG: tuple[TopicSpec, ...] = (
    WEBHOOKS, CONTENTS, RECORD_TEXTS, RECORD_VECTORS, RANKING_RULES, PROGRESS, WATCH_STATES,
    INTERACTIONS, TRENDING, NEIGHBOURS, TOGETHER, NEXT_TITLES, TITLE_STATISTICS, VALUE_MODELS,
    START_SCORES, EMBEDDINGS, EMBEDDING_NEIGHBOURS, MODELS, CONTENT_FEATURES, SLATES,
    AUDIT_ENTRIES,
)  # fmt: skip
DEAD_LETTERS: tuple[TopicSpec, ...] = tuple(
    topic.dead_letters for topic in CATALOG if topic.dead_letter
)
