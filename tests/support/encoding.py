"""Drives the embeddings agent on its topics, without Kafka and with a stand-in for the model."""

import pickle
import re
from itertools import permutations

import numpy as np

from agents.embeddings import SPEC, EmbeddingFitter
from agents.encoding import Encoded, encode_job, nothing_to_encode
from agents.spec import Record
from domain.embedding import pack, text_hash
from infra.encoder_files import find_encoder
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.embedding import DIMENSIONS, Embedding
from schemas.neighbours import Neighbours
from topics.catalog import CONTENTS, EMBEDDING_NEIGHBOURS, EMBEDDINGS

SETTINGS = Settings()
VERSION = find_encoder(SETTINGS).version
ORDERS = list(permutations(SPEC.sources))


def posted(content_id: str, offset: int = 0, **fields) -> Record:
    values = {"content_id": content_id, "type": "movie", "title": content_id, "updated_at_ms": 1}
    value = encode(Content.model_validate(values | fields))
    return Record(CONTENTS.name, 0, offset, 0, content_id.encode(), value)


def removed(content_id: str) -> Record:
    return Record(CONTENTS.name, 0, 0, 0, content_id.encode(), None)


def published(content_id: str, text: str, encoder: str = VERSION) -> Record:
    row = Embedding(
        content_id=content_id, encoder=encoder, text_hash=text_hash(text), vector=a_vector(text)
    )
    return Record(EMBEDDINGS.name, 0, 0, 0, content_id.encode(), encode(row))


def a_vector(text: str) -> str:
    """A stand-in for the model: an angle that the text gives, or a coordinate by its hash."""
    vector = np.zeros(DIMENSIONS, np.float32)
    if angle := re.search(r"at (\d+)", text):
        radians = np.radians(int(angle[1]))
        vector[:2] = np.cos(radians), np.sin(radians)
    else:
        vector[2 + int(text_hash(text), 16) % (DIMENSIONS - 2)] = 1.0
    return pack(vector)


def fake_encoding(function, arguments) -> Encoded:
    """What the other process would answer, without the model."""
    if function is nothing_to_encode:
        return function(*arguments)
    assert function is encode_job
    _, _, texts = arguments
    return Encoded([a_vector(text) for text in texts], 0.01)


class Driver:
    """One agent after another on the same topics, driven as the runtime does it."""

    def __init__(self) -> None:
        self.contents: list[Record] = []
        self.embeddings: list[Record] = []
        self.rows: list[Record] = []
        self.encoded: list[str] = []
        self.start()

    def start(self, order=SPEC.sources) -> None:
        """Start afresh; read all topics whole."""
        self.fitter = EmbeddingFitter(SETTINGS)
        logs = {
            CONTENTS: self.contents,
            EMBEDDINGS: self.embeddings,
            EMBEDDING_NEIGHBOURS: self.rows,
        }
        for topic in order:
            self.fitter.on_replica(topic, logs[topic])

    def post(self, *records: Record) -> None:
        self.contents += records
        self.fitter.on_replica(CONTENTS, records)

    def begin(self) -> Encoded:
        function, arguments = pickle.loads(pickle.dumps(self.fitter.job()))
        self.encoded += arguments[2] if arguments else []
        return fake_encoding(function, arguments)

    def end(self, result: Encoded) -> list[str]:
        """Return what was emitted of vectors: ids, with a minus for a tombstone."""
        emits = self.fitter.on_fitted(result)
        assert {emit.topic for emit in emits} <= set(SPEC.emits)
        for topic, log in ((EMBEDDINGS, self.embeddings), (EMBEDDING_NEIGHBOURS, self.rows)):
            found = [each for each in emits if each.topic == topic]
            records = [Record(topic.name, 0, 0, 0, each.key, each.value) for each in found]
            log += records
            self.fitter.on_replica(topic, records)  # the runtime reads them back
        vectors = [emit for emit in emits if emit.topic == EMBEDDINGS]
        return [("" if emit.value else "-") + emit.key.decode() for emit in vectors]

    def job(self) -> list[str]:
        return self.end(self.begin())

    def run(self) -> None:
        while self.fitter.changed():
            self.job()

    def live(self) -> dict[str, str]:
        """Title -> text hash, as a reader of the topic sees it."""
        rows = {record.key.decode(): record.value for record in self.embeddings}
        return {key: decode(Embedding, value).text_hash for key, value in rows.items() if value}

    def neighbours(self) -> dict[str, list[tuple[str, float]]]:
        """Title -> its row, as a reader of the topic sees it, oldest first; weights to 1 %."""
        values = {record.key.decode(): record.value for record in self.rows}
        rows = sorted(
            (decode(Neighbours, value) for value in values.values() if value),
            key=lambda row: row.model_version,
        )
        assert len({row.model_version for row in rows}) == len(rows)
        return {
            row.content_id: [(each.content_id, round(each.weight, 2)) for each in row.neighbours]
            for row in rows
        }
