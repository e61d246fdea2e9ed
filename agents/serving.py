"""compacted topics -> [serving] -> Postgres rows that the API reads by primary key.

One sink a topic, one transaction a batch, the record's offset as the version of the row: a replay
changes nothing, and a tombstone leaves a removed row that an older record cannot bring back. Rows
of users are deleted instead, for their keys name the user: there, who was erased is looked up, by
pseudonym, and what is older than that is not written.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from agents.slate_rows import SlateParts, parts_of
from agents.spec import Record, Reject, SinkAgent
from domain.embedding import unpack
from domain.title_attributes import attributes_of
from infra.postgres import attributes as attribute_rows
from infra.postgres import (
    bodies,
    contents,
    embeddings,
    models,
    neighbours,
    ranking_rules,
    slates,
    trending,
    viewers,
    watch_states,
)
from infra.postgres.pool import Pool
from infra.security.pseudonyms import WITHOUT_KEY, Pseudonyms
from schemas.codec import DecodeError, WireModel, decode
from schemas.content import Content
from schemas.content_features import ContentFeatures
from schemas.embedding import Embedding
from schemas.ids import KEY_SEPARATOR
from schemas.model_report import ModelReport
from schemas.neighbours import Neighbours
from schemas.ranking_rule import RankingRule
from schemas.trending import TrendingPartial
from schemas.watch_state import WatchState
from topics.catalog import (
    CONTENT_FEATURES,
    CONTENTS,
    EMBEDDINGS,
    MODELS,
    NEIGHBOURS,
    RANKING_RULES,
    SLATES,
    TRENDING,
    WATCH_STATES,
)

Model = TypeVar("Model", bound=WireModel)


class Decoded(NamedTuple):
    """A record whose key is readable; ``value`` None is a tombstone."""

    key: str
    offset: int
    value: Any
    raw: bytes | None


def decode_batch(
    schema: type[Model], key_of: Callable[[Any], bytes], records: Sequence[Record]
) -> tuple[list[Decoded], list[Reject]]:
    """Decode records in offset order; what cannot be read, or has another's key, is rejected."""
    return read_batch(lambda value: decode(schema, value), key_of, records)


def read_batch(
    read: Callable[[bytes], Any], key_of: Callable[[Any], bytes], records: Sequence[Record]
) -> tuple[list[Decoded], list[Reject]]:
    """Do what ``decode_batch`` does, with a reader that raises ``DecodeError``."""
    decoded: list[Decoded] = []
    rejects: list[Reject] = []
    for record in records:
        try:
            value = None if record.value is None else read(record.value)
            key = (record.key or b"").decode()
            if not key or (value is not None and key_of(value) != record.key):
                raise DecodeError("the record's key is not the key of its value")
        except (DecodeError, UnicodeDecodeError) as error:
            rejects.append(Reject(record, "decode", str(error)))
            continue
        decoded.append(Decoded(key, record.offset, value, record.value))
    return decoded, rejects


async def flush_contents(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write contents and, in the same transaction, what they can share with others."""
    decoded, rejects = decode_batch(Content, CONTENTS.key_of, records)
    newest = {item.key: item.value for item in decoded}
    async with pool.connection() as connection, connection.transaction():
        written = await contents.upsert(connection, [content_row(item) for item in decoded])
        attributes = {key: attributes_of(newest[key]) if newest[key] else {} for key in written}
        await attribute_rows.replace(connection, attributes)
    return rejects


def content_row(item: Decoded) -> contents.ContentRow:
    """Return the row of a content or of its tombstone."""
    if item.value is None:
        return contents.ContentRow(item.key, item.offset, removed=True)
    content: Content = item.value
    partners = {window.partner for window in content.availability} | set(content.partner_ids)
    return contents.ContentRow(
        item.key,
        item.offset,
        removed=False,
        body=item.raw,
        type=content.type,
        title=content.title,
        version_of=content.version_of,
        series_id=content.series_id,
        partners=",".join(sorted(partners)) or None,
        quality=content.quality,
        missing=None if content.quality is None else ",".join(content.missing),
    )


async def flush_watch_states(
    pool: Pool, records: Sequence[Record], pseudonyms: Pseudonyms = WITHOUT_KEY
) -> Sequence[Reject]:
    """Write watch states and, in the same statement, what they say is included."""
    decoded, rejects = decode_batch(WatchState, WATCH_STATES.key_of, records)
    known = [viewer_of(item.value) for item in decoded if item.value is not None]
    rows = [watch_state_row(item) for item in decoded]
    names = pseudonyms.pairs_of(row.user_id for row in rows)
    async with pool.connection() as connection:
        await watch_states.upsert(connection, rows, known, names)
    return rejects


def watch_state_row(item: Decoded) -> watch_states.WatchStateRow:
    """Return the row of a watch state or of its tombstone."""
    user_id, _, content_id = item.key.partition(KEY_SEPARATOR)
    if item.value is None:
        return watch_states.WatchStateRow(user_id, content_id, item.offset, removed=True)
    state: WatchState = item.value
    return watch_states.WatchStateRow(
        user_id,
        content_id,
        item.offset,
        removed=False,
        body=item.raw,
        updated_at_ms=state.updated_at_ms,
        completed=state.completed,
        resumable=state.resumable,
        dismissed=state.dismissed,
        hidden=state.hidden,
    )


def viewer_of(state: WatchState) -> viewers.Viewer:
    """Return what a watch state says is included for its user."""
    return viewers.Viewer(
        state.user_id,
        state.source_offset,
        state.interaction_offset,
        state.recent_events,
        state.updated_at_ms,
    )


async def flush_slates(
    pool: Pool, records: Sequence[Record], pseudonyms: Pseudonyms = WITHOUT_KEY
) -> Sequence[Reject]:
    """Write slates as response bodies."""
    decoded, rejects = read_batch(parts_of, SLATES.key_of, records)
    names = pseudonyms.pairs_of(item.key for item in decoded)
    async with pool.connection() as connection:
        await slates.upsert(connection, [slate_row(item) for item in decoded], names)
    return rejects


def slate_row(item: Decoded) -> slates.ServingSlate:
    """Return the row of a slate or of its tombstone."""
    if item.value is None:
        return slates.ServingSlate(item.key, item.offset, removed=True)
    slate: SlateParts = item.value
    return slates.ServingSlate(
        item.key,
        item.offset,
        removed=False,
        body=slate.body,
        content_ids=",".join(slate.content_ids),
        as_of_ms=slate.as_of_ms,
        source_offset=slate.source_offset,
        model_version=slate.model_version,
        feed=slate.feed,
        ranking=slate.ranking,
        packed_ranking=slate.packed_ranking,
    )


async def flush_trending(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write trending partials."""
    decoded, rejects = decode_batch(TrendingPartial, TRENDING.key_of, records)
    await flush_bodies(pool, trending.UPSERT, decoded)
    return rejects


async def flush_neighbours(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write co-watch neighbours."""
    decoded, rejects = decode_batch(Neighbours, NEIGHBOURS.key_of, records)
    await flush_bodies(pool, neighbours.UPSERT, decoded)
    return rejects


async def flush_ranking_rules(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write ranking rules."""
    decoded, rejects = decode_batch(RankingRule, RANKING_RULES.key_of, records)
    await flush_bodies(pool, ranking_rules.UPSERT, decoded)
    return rejects


async def flush_embeddings(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write embeddings."""
    decoded, rejects = decode_batch(Embedding, EMBEDDINGS.key_of, records)
    async with pool.connection() as connection:
        await embeddings.upsert(connection, [embedding_row(item) for item in decoded])
    return rejects


def embedding_row(item: Decoded) -> embeddings.EmbeddingRow:
    """Return the row of an embedding or of its tombstone."""
    if item.value is None:
        return embeddings.EmbeddingRow(item.key, item.offset, removed=True)
    row: Embedding = item.value
    vector = embeddings.vector_text(unpack(row.vector))
    return embeddings.EmbeddingRow(item.key, item.offset, False, row.encoder, vector)


async def flush_models(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write model reports."""
    decoded, rejects = decode_batch(ModelReport, MODELS.key_of, records)
    await flush_bodies(pool, models.UPSERT_MODELS, decoded)
    return rejects


async def flush_content_features(pool: Pool, records: Sequence[Record]) -> Sequence[Reject]:
    """Write content features."""
    decoded, rejects = decode_batch(ContentFeatures, CONTENT_FEATURES.key_of, records)
    await flush_bodies(pool, models.UPSERT_FEATURES, decoded)
    return rejects


async def flush_bodies(pool: Pool, statement: str, decoded: Sequence[Decoded]) -> None:
    """Write rows that are a key and a body."""
    rows = [bodies.BodyRow(item.key, item.offset, item.value is None, item.raw) for item in decoded]
    async with pool.connection() as connection:
        await bodies.upsert(connection, statement, rows)


# A changed slate takes a hop and a scoring longer than the watch state it comes from: whoever waits
# for both does not wait for this.
WATCH_STATES_GATHER_MS = 30

SPECS: tuple[SinkAgent, ...] = (
    SinkAgent(name="serving-contents", source=CONTENTS, flush=flush_contents),
    SinkAgent(
        name="serving-watch-states",
        source=WATCH_STATES,
        flush=flush_watch_states,
        gather_ms=WATCH_STATES_GATHER_MS,
        by_user=True,
    ),
    SinkAgent(name="serving-slates", source=SLATES, flush=flush_slates, by_user=True),
    SinkAgent(name="serving-trending", source=TRENDING, flush=flush_trending),
    SinkAgent(name="serving-neighbours", source=NEIGHBOURS, flush=flush_neighbours),
    SinkAgent(name="serving-ranking-rules", source=RANKING_RULES, flush=flush_ranking_rules),
    SinkAgent(name="serving-embeddings", source=EMBEDDINGS, flush=flush_embeddings),
    SinkAgent(name="serving-models", source=MODELS, flush=flush_models),
    SinkAgent(
        name="serving-content-features", source=CONTENT_FEATURES, flush=flush_content_features
    ),
)
