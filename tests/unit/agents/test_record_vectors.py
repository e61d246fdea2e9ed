"""The agent that encodes records' texts: nothing twice, nothing left behind, no model needed."""

import logging

import pytest
from prometheus_client import REGISTRY

from agents.record_vectors import NAME, RecordVectorFitter
from agents.spec import Record
from domain.embedding import text_hash
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.record_text import RecordText, RecordVector
from tests.support.encoding import VERSION, a_vector, fake_encoding
from topics.catalog import RECORD_TEXTS, RECORD_VECTORS


def told(own: str, text: str | None = "A dog.") -> Record:
    value = None
    if text is not None:
        value = encode(RecordText(partner="acme", partner_id=own, text=text))
    return Record(RECORD_TEXTS.name, 0, 0, 0, f"acme|{own}".encode(), value)


def published(own: str, text: str, encoder: str = VERSION) -> Record:
    row = RecordVector(
        partner="acme", partner_id=own, encoder=encoder, text_hash=text_hash(text),
        vector=a_vector(text),
    )  # fmt: skip
    return Record(RECORD_VECTORS.name, 0, 0, 0, f"acme|{own}".encode(), encode(row))


def run(fitter: RecordVectorFitter) -> list[tuple[str, RecordVector | None]]:
    """Encode all that waits; return what is published."""
    found = []
    while fitter.changed():
        for emit in fitter.on_fitted(fake_encoding(*fitter.job())):
            assert emit.topic == RECORD_VECTORS
            row = None if emit.value is None else decode(RecordVector, emit.value)
            found.append((emit.key.decode(), row))
    return found


@pytest.fixture
def fitter() -> RecordVectorFitter:
    return RecordVectorFitter(Settings())


def test_a_vector_says_of_which_record_and_text_it_is(fitter: RecordVectorFitter) -> None:
    fitter.on_replica(RECORD_TEXTS, [told("a|b")])
    [(key, row)] = run(fitter)
    assert row is not None
    assert (key, row.partner, row.partner_id) == ("acme|a|b", "acme", "a|b")
    assert (row.encoder, row.text_hash) == (VERSION, text_hash("A dog."))
    assert RECORD_VECTORS.key_of(row) == b"acme|a|b"


def test_a_start_encodes_only_what_is_not_published(fitter: RecordVectorFitter) -> None:
    fitter.on_replica(RECORD_TEXTS, [told("a"), told("b"), told("c"), told("d"), told("d", None)])
    fitter.on_replica(
        RECORD_VECTORS,
        [published("a", "A dog."), published("b", "A cat."), published("c", "A dog.", "older"),
         published("d", "A dog."), published("e", "A dog."), Record(
             RECORD_VECTORS.name, 0, 0, 0, b"acme|e", None)],
    )  # fmt: skip
    assert [(key, row and row.text_hash) for key, row in run(fitter)] == [
        ("acme|c", text_hash("A dog.")), ("acme|b", text_hash("A dog.")), ("acme|d", None),
    ]  # fmt: skip


def test_a_text_that_is_not_wanted_any_more_takes_its_vector_back(fitter) -> None:
    fitter.on_replica(RECORD_TEXTS, [told("a")])
    run(fitter)
    fitter.on_replica(RECORD_TEXTS, [told("a", None), told("never", None)])
    assert run(fitter) == [("acme|a", None)]
    fitter.on_replica(RECORD_TEXTS, [told("a")])
    assert len(run(fitter)) == 1


def test_without_a_model_it_says_so_once_and_has_no_work(tmp_path, caplog) -> None:
    with caplog.at_level(logging.INFO):
        fitter = RecordVectorFitter(Settings(embedding_model_dir=str(tmp_path)))
        fitter.on_replica(RECORD_TEXTS, [told("a")])
        fitter.on_replica(RECORD_VECTORS, [published("b", "b")])
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{NAME} encodes nothing, everything else works: ")
    assert REGISTRY.get_sample_value("mg_embedding_model_present", {"agent": NAME}) == 0
    assert not fitter.changed()


def test_a_record_without_key_stops_the_agent(fitter: RecordVectorFitter) -> None:
    with pytest.raises(ValueError, match="no key"):
        fitter.on_replica(RECORD_TEXTS, [told("a")._replace(key=None)])
