"""contents -> [text, sentence encoder in another process] -> embeddings, their neighbours.

The newest title is encoded first, in small jobs: a title posted now waits for one job and not for
the backlog of a whole catalogue. What is published is read back at start, so that a text that did
not change is not encoded again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from agents.embedding_rows import RowWriter
from agents.spec import Emit, FitAgent, Record
from domain.embedding import pack, text_hash, text_of
from domain.embedding_neighbours import has_row
from infra.encoder_files import EncoderFiles, EncoderUnavailableError, find_encoder
from infra.metrics import (
    EMBEDDING_MODEL_PRESENT,
    EMBEDDING_PENDING,
    EMBEDDING_SECONDS,
    EMBEDDING_TEXTS,
)
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.embedding import Embedding
from topics.catalog import CONTENTS, EMBEDDING_NEIGHBOURS, EMBEDDINGS
from topics.spec import TopicSpec

if TYPE_CHECKING:
    from infra.encoder import Encoder

logger = logging.getLogger(__name__)

NAME = "embeddings"
JOB_TEXTS = 16  # under 0.5 s: a new title waits for the job in hand and shares the next one
NICENESS = 10  # a backlog takes what the stream agents leave


class Published(NamedTuple):
    """What is, or is to be, published of a title."""

    text_hash: str  # "": of another encoder
    row: bool  # whether it has neighbours of its own


class Encoded(NamedTuple):
    """What the encoding process hands back: vectors as they travel, in the order of the texts."""

    vectors: list[str]
    seconds: float


def encode_job(files: EncoderFiles, threads: int, texts: Sequence[str]) -> Encoded:
    """Encode texts; the model stays loaded in this process from job to job."""
    encoder = _loaded(files, threads)
    started = time.perf_counter()
    vectors = [pack(vector) for vector in encoder.encode(texts)]
    return Encoded(vectors, time.perf_counter() - started)


@cache
def _loaded(files: EncoderFiles, threads: int) -> "Encoder":
    from infra.encoder import Encoder  # here: the process that only follows topics does without

    return Encoder(files, threads)


def nothing_to_encode() -> Encoded:
    """Stand for a job of removals alone."""
    return Encoded([], 0.0)


class EmbeddingFitter:
    """Knows the wanted and the published text of each title; the difference is the work.

    Without an encoder it says so once and never has work. ``changed`` is asked for the first time
    when all topics were read whole.
    """

    def __init__(self, settings: Settings) -> None:
        self._threads = settings.embedding_threads
        self._files = _find(settings)
        self._wanted: dict[str, Published] = {}
        self._published: dict[str, str] = {}  # title -> hash published; "" of another encoder
        self._rows = RowWriter()
        self._pending: dict[str, str] = {}  # title -> text, the newest last
        self._orphans: set[str] = set()  # published titles that are to be taken back
        self._in_job: dict[str, Published] = {}  # what is wanted of those being encoded
        self._following = False

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in contents and, until all topics were read whole, what was published."""
        if self._files is None or (topic != CONTENTS and self._following):
            return  # this object emitted it: the topic has no other writer
        take = {
            CONTENTS.name: self._take_content,
            EMBEDDINGS.name: self._take_published,
            EMBEDDING_NEIGHBOURS.name: self._rows.take_row,
        }[topic.name]
        for record in records:
            if record.key is None:
                raise ValueError(f"{topic.name}/{record.partition}@{record.offset} has no key")
            take(record.key.decode(), record.value)
        EMBEDDING_PENDING.labels(NAME).set(len(self._pending))

    def _take_content(self, content_id: str, value: bytes | None) -> None:
        content = None if value is None else decode(Content, value)
        is_title = content is not None and content.same_as is None  # another name has no text
        text = text_of(content) if content is not None and is_title else ""
        self._pending.pop(content_id, None)
        self._orphans.discard(content_id)
        if content is not None and text:
            wanted = self._wanted[content_id] = Published(text_hash(text), has_row(content))
            known = (self._known(content_id), self._in_job.get(content_id))
            if not self._following or wanted not in known:
                self._pending[content_id] = text
        else:
            self._wanted.pop(content_id, None)
            if content_id in self._published:
                self._orphans.add(content_id)

    def _take_published(self, content_id: str, value: bytes | None) -> None:
        assert self._files is not None
        row = None if value is None else decode(Embedding, value)
        ours = row is not None and row.encoder == self._files.version
        self._rows.take_vector(content_id, row.vector if row and ours else None)
        if row is None:
            self._published.pop(content_id, None)
        else:
            self._published[content_id] = row.text_hash if ours else ""

    def _known(self, content_id: str) -> Published | None:
        """Return what is published of a title; None: nothing, or a row without its vector."""
        digest = self._published.get(content_id)
        return None if digest is None else Published(digest, content_id in self._rows)

    def _settle(self) -> None:
        """Compare what is wanted with what is published, once all was read whole."""
        self._following = True
        with_row = self._rows.settle()
        self._pending = {
            content_id: text
            for content_id, text in self._pending.items()
            if self._wanted[content_id] != self._known(content_id)
        }
        self._orphans = (self._published.keys() | with_row) - self._wanted.keys()

    def changed(self) -> bool:
        """Whether a text waits to be encoded, or a vector to be taken back."""
        if not self._following:
            self._settle()
        return bool(self._pending or self._orphans)

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the encoding of the newest waiting texts."""
        newest = [self._pending.popitem() for _ in range(min(JOB_TEXTS, len(self._pending)))]
        self._in_job = {content_id: self._wanted[content_id] for content_id, _ in newest}
        if not newest:
            return nothing_to_encode, ()
        return encode_job, (self._files, self._threads, [text for _, text in newest])

    def on_fitted(self, result: Encoded) -> list[Emit]:
        """Return vectors that are still wanted, their rows, and tombstones of removed titles."""
        EMBEDDING_TEXTS.labels(NAME).inc(len(result.vectors))
        EMBEDDING_PENDING.labels(NAME).set(len(self._pending))
        if result.vectors:
            EMBEDDING_SECONDS.labels(NAME).observe(result.seconds)
        fresh = {  # not removed or changed while it was encoded
            content_id: vector
            for (content_id, wanted), vector in zip(
                self._in_job.items(), result.vectors, strict=True
            )
            if self._wanted.get(content_id) == wanted
        }
        with_row = {each: vector for each, vector in fresh.items() if self._wanted[each].row}
        emits = [self._emit(content_id, vector) for content_id, vector in fresh.items()]
        emits += [Emit(EMBEDDINGS, name.encode(), None, None) for name in sorted(self._orphans)]
        emits += self._rows.take_back(self._orphans | (fresh.keys() - with_row.keys()))
        emits += self._rows.publish(with_row)
        self._published.update({each: self._wanted[each].text_hash for each in fresh})
        for content_id in self._orphans:
            self._published.pop(content_id, None)
        self._orphans.clear()
        self._in_job = {}
        return emits

    def _emit(self, content_id: str, vector: str) -> Emit:
        assert self._files is not None
        row = Embedding(
            content_id=content_id,
            encoder=self._files.version,
            text_hash=self._wanted[content_id].text_hash,
            vector=vector,
        )
        return Emit(EMBEDDINGS, EMBEDDINGS.key_of(row), encode(row), None)


def _find(settings: Settings) -> EncoderFiles | None:
    present = EMBEDDING_MODEL_PRESENT.labels(NAME)
    try:
        files = find_encoder(settings)
    except EncoderUnavailableError as problem:
        logger.error("%s encodes nothing, everything else works: %s", NAME, problem)
        present.set(0)
        return None
    logger.info("%s uses encoder %s of %s", NAME, files.version, files.model.parent)
    present.set(1)
    return files


SPEC = FitAgent(
    name=NAME,
    sources=(CONTENTS, EMBEDDINGS, EMBEDDING_NEIGHBOURS),
    emits=(EMBEDDINGS, EMBEDDING_NEIGHBOURS),
    interval_s=lambda settings: 0.0,
    create_fitter=EmbeddingFitter,
    niceness=NICENESS,
)
