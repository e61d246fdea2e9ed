"""contents -> [text, sentence encoder in another process] -> embeddings, their neighbours."""

from collections.abc import Callable, Sequence
from typing import Any

from agents.embedding_rows import RowWriter
from agents.encoding import NICENESS, Backlog, Encoded
from agents.spec import Emit, FitAgent, Record
from domain.embedding import text_of
from domain.embedding_neighbours import has_row
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.embedding import Embedding
from topics.catalog import CONTENTS, EMBEDDING_NEIGHBOURS, EMBEDDINGS
from topics.spec import TopicSpec

NAME = "embeddings"


class EmbeddingFitter:
    """Wants a vector of each title's text, and a row of neighbours beside it."""

    def __init__(self, settings: Settings) -> None:
        self._rows = RowWriter()
        self._backlog = Backlog(NAME, settings, self._rows.__contains__)

    def on_replica(self, topic: TopicSpec, records: Sequence[Record]) -> None:
        """Take in contents and, until all topics were read whole, what was published."""
        if self._backlog.encoder is None or (topic != CONTENTS and self._backlog.following):
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
        self._backlog.count()

    def _take_content(self, content_id: str, value: bytes | None) -> None:
        content = None if value is None else decode(Content, value)
        is_title = content is not None and content.same_as is None  # another name has no text
        text = text_of(content) if content is not None and is_title else ""
        if content is not None and text:
            self._backlog.want(content_id, text, row=has_row(content))
        else:
            self._backlog.forget(content_id)

    def _take_published(self, content_id: str, value: bytes | None) -> None:
        row = None if value is None else decode(Embedding, value)
        ours = row is not None and row.encoder == self._backlog.encoder
        self._rows.take_vector(content_id, row.vector if row and ours else None)
        if row is None:
            self._backlog.read_back(content_id, None)
        else:
            self._backlog.read_back(content_id, row.encoder, row.text_hash)

    def changed(self) -> bool:
        """Whether a text waits to be encoded, or a vector to be taken back."""
        if not self._backlog.following:
            self._backlog.settle(self._rows.settle())
        return self._backlog.has_work()

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the encoding of the newest waiting texts."""
        return self._backlog.job()

    def on_fitted(self, result: Encoded) -> list[Emit]:
        """Return vectors that are still wanted, their rows, and tombstones of removed titles."""
        fresh, gone = self._backlog.finish(result)
        with_row = {
            each: vector for each, vector in fresh.items() if self._backlog.wanted(each).row
        }
        emits = [self._emit(content_id, vector) for content_id, vector in fresh.items()]
        emits += [Emit(EMBEDDINGS, content_id.encode(), None, None) for content_id in gone]
        emits += self._rows.take_back({*gone, *(fresh.keys() - with_row.keys())})
        emits += self._rows.publish(with_row)
        return emits

    def _emit(self, content_id: str, vector: str) -> Emit:
        assert self._backlog.encoder is not None
        row = Embedding(
            content_id=content_id,
            encoder=self._backlog.encoder,
            text_hash=self._backlog.wanted(content_id).text_hash,
            vector=vector,
        )
        return Emit(EMBEDDINGS, EMBEDDINGS.key_of(row), encode(row), None)


SPEC = FitAgent(
    name=NAME,
    sources=(CONTENTS, EMBEDDINGS, EMBEDDING_NEIGHBOURS),
    emits=(EMBEDDINGS, EMBEDDING_NEIGHBOURS),
    interval_s=lambda settings: 0.0,
    create_fitter=EmbeddingFitter,
    niceness=NICENESS,
)
