"""A record of intelligence.slates -> the serving row of its user.

The parts that the API reads are cut out of the record as they are: the codec writes the fields of a
slate in one order and escapes every quote inside a text, so the names below mark where parts begin.
A record that is written otherwise (an older one, or a newer one with more fields) is decoded whole.
"""

from typing import NamedTuple

from pydantic import ConfigDict, Field

from schemas.api import Recommendations, recommendations_of
from schemas.codec import DecodeError, WireModel, decode, encode
from schemas.ids import ContentId, UserId
from schemas.slate import Slate, SlateFeed
from schemas.times import to_rfc3339

_ENTRIES = b'"entries":['
_ENTRIES_END = b'}],"as_of_ms":'
_ROWS = b'"rows":['
_RANKING = b',"packed_ranking":'
_NO_ENTRIES = b"[]}"  # how an answer without entries ends


class SlateParts(NamedTuple):
    """What is stored of a slate: columns, and parts as they are encoded; None: it has none."""

    user_id: str
    body: bytes
    content_ids: list[str]
    as_of_ms: int
    source_offset: int
    model_version: str
    feed: bytes
    ranking: bytes | None
    packed_ranking: bytes | None


class _Named(WireModel):
    content_id: ContentId


class _Unread(WireModel):
    """An object that is passed on without a look inside."""


class _Head(WireModel):
    """A slate of this version, read as far as its columns need."""

    model_config = ConfigDict(extra="forbid")

    user_id: UserId
    entries: tuple[_Named, ...] = Field(max_length=200)
    as_of_ms: int = Field(ge=0)
    newest_event_id: str | None = None
    source_offset: int = Field(ge=-1)
    generated_at_ms: int = Field(ge=0)
    model_version: str
    rows: tuple[_Unread, ...] = Field(max_length=10)
    log_partition: float | None = None
    packed_ranking: _Unread


def parts_of(value: bytes) -> SlateParts:
    """Return the parts of an encoded slate.

    Raises:
        DecodeError: it is no slate. Inside entries that are passed on, only the ids are looked at.
    """
    try:
        found = _cut(value, decode(_Head, value))
    except DecodeError:
        found = None
    return found or _decoded(decode(Slate, value))


def _cut(value: bytes, head: _Head) -> SlateParts | None:
    """Return the parts as they stand in the record; None if they are not where they should be."""
    entries = value.find(_ENTRIES) + len(_ENTRIES) - 1
    entries_end = value.find(_ENTRIES_END, entries) + 2
    rows = value.find(_ROWS, entries_end)
    ranking = value.find(_RANKING, rows)
    if not len(_ENTRIES) < entries < entries_end < rows < ranking:
        return None
    answer = Recommendations(
        user_id=head.user_id,
        as_of=to_rfc3339(head.as_of_ms),
        cold_start=False,
        generated_at_ms=head.generated_at_ms,
        model_version=head.model_version,
        entries=(),
    )
    return SlateParts(
        user_id=head.user_id,
        body=encode(answer).removesuffix(_NO_ENTRIES) + value[entries:entries_end] + b"}",
        content_ids=[entry.content_id for entry in head.entries],
        as_of_ms=head.as_of_ms,
        source_offset=head.source_offset,
        model_version=head.model_version,
        feed=b"{" + value[rows:ranking] + b"}",
        ranking=None,
        packed_ranking=value[ranking + len(_RANKING) : -1],
    )


def _decoded(slate: Slate) -> SlateParts:
    packed = slate.packed_ranking
    return SlateParts(
        user_id=slate.user_id,
        body=encode(recommendations_of(slate)),
        content_ids=[entry.content_id for entry in slate.entries],
        as_of_ms=slate.as_of_ms,
        source_offset=slate.source_offset,
        model_version=slate.model_version,
        feed=encode(SlateFeed(rows=slate.rows, log_partition=slate.log_partition)),
        ranking=None if slate.ranking is None else encode(slate.ranking),
        packed_ranking=None if packed is None else encode(packed),
    )
