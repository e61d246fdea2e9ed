"""The embeddings agent: newest first, nothing twice, nothing left behind."""

import logging
import pickle

import pytest
from prometheus_client import REGISTRY

from agents.embeddings import SPEC, EmbeddingFitter
from agents.encoding import JOB_TEXTS
from domain.embedding import text_hash, unpack
from infra.settings import Settings
from schemas.codec import decode
from schemas.embedding import Embedding
from tests.support.encoding import (
    ORDERS,
    VERSION,
    Driver,
    posted,
    published,
    removed,
)
from topics.catalog import CONTENTS, EMBEDDINGS


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_every_title_is_encoded_once_and_the_row_says_from_what(driver: Driver) -> None:
    assert not driver.fitter.changed()
    driver.post(*(posted(f"film-{number}") for number in range(40)))
    driver.run()
    assert sorted(driver.encoded) == sorted(f"film-{number}. movie." for number in range(40))
    row = decode(Embedding, driver.embeddings[0].value)
    assert (row.encoder, row.text_hash) == (VERSION, text_hash(f"{row.content_id}. movie."))
    assert unpack(row.vector).max() == 1.0


def test_the_newest_title_comes_first_however_long_the_backlog(driver: Driver) -> None:
    driver.post(*(posted(f"old-{number}") for number in range(100)))
    assert driver.fitter.changed()
    first = driver.begin()
    assert driver.encoded[0] == "old-99. movie."
    assert len(driver.encoded) == JOB_TEXTS
    driver.post(posted("new"))
    driver.end(first)
    assert driver.job()[0] == "new"


def test_a_title_that_was_posted_again_counts_as_new(driver: Driver) -> None:
    driver.post(*(posted(f"old-{number}") for number in range(100)), posted("old-3", title="Heat"))
    assert driver.fitter.changed()
    assert driver.job()[0] == "old-3"
    driver.run()
    assert driver.live()["old-3"] == text_hash("Heat. movie.")
    assert "old-3. movie." not in driver.encoded


def test_only_a_changed_text_is_encoded_again(driver: Driver) -> None:
    driver.post(posted("a"))
    driver.run()
    driver.post(posted("a", runtime_s=60, updated_at_ms=2))
    assert not driver.fitter.changed()
    driver.post(posted("a", overview="A dog."))
    driver.run()
    assert driver.encoded == ["a. movie.", "a. movie. A dog."]


def test_another_name_of_a_title_has_no_vector(driver: Driver) -> None:
    driver.post(posted("a"), posted("b"))
    driver.run()
    assert set(driver.live()) == {"a", "b"}
    driver.post(posted("b", version_of="a", same_as="a"))
    driver.run()
    assert set(driver.live()) == {"a"}
    driver.post(posted("b"))
    driver.run()
    assert set(driver.live()) == {"a", "b"}


@pytest.mark.parametrize("order", ORDERS)
def test_a_restart_encodes_only_what_changed_meanwhile(driver: Driver, order) -> None:
    driver.post(posted("a"), posted("b"), posted("c"), posted("gone"))
    driver.run()
    driver.encoded.clear()
    driver.contents += [posted("b", title="Heat"), posted("d"), removed("gone")]
    driver.start(order)
    assert driver.fitter.changed()
    driver.run()
    assert sorted(driver.encoded) == ["Heat. movie.", "d. movie."]
    assert set(driver.live()) == {"a", "b", "c", "d"}
    driver.start(order)
    assert not driver.fitter.changed()


@pytest.mark.parametrize("order", ORDERS)
def test_a_text_that_came_back_is_compared_with_what_was_published_last(driver, order) -> None:
    driver.contents += [posted("a")]
    driver.embeddings += [published("a", "a. movie."), published("a", "Heat. movie.")]
    driver.start(order)
    driver.run()
    assert driver.encoded == ["a. movie."]


def test_both_topics_may_arrive_in_pieces(driver: Driver) -> None:
    rows = [published("a", "a. movie."), published("a", "Heat. movie.")]
    driver.embeddings += rows
    driver.fitter.on_replica(EMBEDDINGS, rows[:1])
    driver.post(posted("a"))
    driver.fitter.on_replica(EMBEDDINGS, rows[1:])
    driver.run()
    assert driver.encoded == ["a. movie."]


def test_another_encoder_encodes_everything_again(driver: Driver) -> None:
    driver.contents += [posted("a")]
    driver.embeddings += [published("a", "a. movie.", encoder="older"),
                          published("gone", "x", encoder="older")]  # fmt: skip
    driver.start()
    driver.run()
    assert driver.encoded == ["a. movie."]
    assert set(driver.live()) == {"a"}


def test_a_removed_title_is_taken_back_and_can_return(driver: Driver) -> None:
    driver.post(posted("a"), posted("b"))
    driver.run()
    driver.post(removed("a"), removed("never-known"))
    assert driver.fitter.changed()
    assert driver.job() == ["-a"]
    assert not driver.fitter.changed()
    driver.post(posted("a"))
    driver.run()
    assert set(driver.live()) == {"a", "b"}


def test_a_title_removed_while_it_is_encoded_leaves_nothing(driver: Driver) -> None:
    driver.post(posted("a"), posted("b"))
    assert driver.fitter.changed()
    result = driver.begin()
    driver.post(removed("a"))
    assert driver.end(result) == ["b"]
    assert not driver.fitter.changed()


def test_a_text_changed_while_it_is_encoded_is_published_in_its_last_form(driver: Driver) -> None:
    driver.post(posted("a"))
    assert driver.fitter.changed()
    result = driver.begin()
    driver.post(posted("a", title="Heat"))
    assert driver.end(result) == []
    driver.run()
    assert driver.live() == {"a": text_hash("Heat. movie.")}


def test_a_title_posted_again_unchanged_while_it_is_encoded_is_encoded_once(driver) -> None:
    driver.post(posted("a"))
    assert driver.fitter.changed()
    result = driver.begin()
    driver.post(posted("a", title="Heat"), posted("a", updated_at_ms=3))
    assert driver.end(result) == ["a"]
    assert not driver.fitter.changed()
    assert driver.encoded == ["a. movie."]


def test_a_title_without_text_has_no_vector(driver: Driver) -> None:
    driver.post(posted("a"), posted("blank", title=" "))
    driver.run()
    assert set(driver.live()) == {"a"}
    driver.post(posted("a", title=" "))
    driver.run()
    assert driver.live() == {}


def test_the_job_is_what_the_encoder_says(driver: Driver) -> None:
    """The real job in this process: texts in, packed vectors of the same order out."""
    driver.post(posted("Heat"), posted("Ronin", overview="Long. " * 50))
    assert driver.fitter.changed()
    function, arguments = pickle.loads(pickle.dumps(driver.fitter.job()))
    result = function(*arguments)
    again = [function(arguments[0], 1, [text]).vectors[0] for text in arguments[2]]
    assert result.vectors == again
    assert len(set(result.vectors)) == 2
    assert result.seconds > 0


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"agent": SPEC.name})


def test_metrics_say_what_waits_and_what_was_encoded(driver: Driver) -> None:
    before = gauge("mg_embedding_texts_total") or 0.0
    driver.post(*(posted(f"film-{number}") for number in range(JOB_TEXTS + 1)))
    assert gauge("mg_embedding_pending_texts") == JOB_TEXTS + 1
    assert driver.fitter.changed()
    driver.job()
    assert gauge("mg_embedding_pending_texts") == 1
    assert gauge("mg_embedding_texts_total") == before + JOB_TEXTS
    assert gauge("mg_embedding_model_present") == 1


def test_without_a_model_it_says_so_once_and_has_no_work(tmp_path, caplog) -> None:
    with caplog.at_level(logging.INFO):
        fitter = EmbeddingFitter(Settings(embedding_model_dir=str(tmp_path)))
        fitter.on_replica(CONTENTS, [posted("a")])
        fitter.on_replica(EMBEDDINGS, [published("b", "b")])
    assert len(caplog.messages) == 1
    assert "install the extra `embeddings`" in caplog.text
    assert gauge("mg_embedding_model_present") == 0
    assert not fitter.changed()


def test_a_record_without_key_stops_the_agent(driver: Driver) -> None:
    with pytest.raises(ValueError, match="no key"):
        driver.fitter.on_replica(CONTENTS, [posted("a")._replace(key=None)])
