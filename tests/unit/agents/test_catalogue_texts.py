"""The catalogue joins records by their texts: with the agent that encodes them, in any order."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.catalogue_texts import EMITS_MAX, TEXT
from agents.spec import Record
from domain.catalogue.identity import PARTNER_CONTENT_ID_MAX
from schemas.codec import decode
from schemas.content import Content
from schemas.record_text import RecordText
from tests.support.record_texts import Pair, overview
from tests.unit.agents.test_catalogue import ADD, UPDATE, webhook
from topics.catalog import RECORD_TEXTS, RECORD_VECTORS

MATRIX = {
    "id": "1", "type": "movie", "title": "The Matrix", "release_year": 1999,
    "cast": ["Keanu Reeves"], "overview": overview(0),
}  # fmt: skip
MATRICA = MATRIX | {"id": "x", "title": "Matrica", "overview": overview(3)}


def content(pair: Pair, name: str) -> Content:
    return decode(Content, pair.contents()[name])


@pytest.fixture
def pair() -> Pair:
    return Pair()


def both(pair: Pair) -> None:
    pair.feed([webhook(1, ADD, MATRIX), webhook(2, ADD, MATRICA, partner="other")], 0)


def test_two_titles_with_one_text_become_one_content_and_split_again(pair: Pair) -> None:
    both(pair)
    assert content(pair, "other:x").same_as is None
    pair.settle()
    assert content(pair, "other:x").same_as == "acme:1"
    assert [each.model_dump(exclude_none=True) for each in content(pair, "acme:1").records] == [
        {"partner": "acme", "partner_id": "1", "content_id": "acme:1"},
        {"partner": "other", "partner_id": "x", "content_id": "other:x", "method": "text",
         "confidence": 0.95, "matched": "acme:1"},
    ]  # fmt: skip
    for number, (partner, own, imdb) in enumerate((("acme", "1", "1"), ("other", "x", "2"))):
        known = {"id": own, "external_ids": {"imdb": f"tt000000{imdb}"}}
        pair.feed([webhook(3 + number, UPDATE, known, partner=partner)], 2 + number)
    assert content(pair, "other:x").same_as is None  # at once: no vector is waited for
    pair.settle()
    assert (pair.wanted(), pair.encoded()) == (set(), set())


def test_a_text_travels_with_its_record_and_only_when_it_changed(pair: Pair) -> None:
    both(pair)
    pair.settle()
    text = decode(RecordText, pair.texts[0].value or b"")
    assert (text.partner, text.partner_id, text.text) == ("acme", "1", overview(0))
    assert [each.key for each in pair.texts] == [b"acme|1", b"other|x"]
    pair.feed([webhook(3, UPDATE, {"id": "1", "runtime_s": 8160})], 2)
    pair.settle()
    assert len(pair.texts) == 2
    pair.feed([webhook(4, UPDATE, {"id": "1", "overview": overview(60)})], 3)
    assert content(pair, "other:x").same_as is None  # its vector is of another text
    pair.settle()
    assert len(pair.texts) == 3
    assert content(pair, "other:x").same_as is None
    pair.feed([webhook(5, UPDATE, {"id": "1", "overview": overview(2)})], 4)
    pair.settle()
    assert content(pair, "other:x").same_as == "acme:1"


def test_one_catalogue_alone_wants_no_text(pair: Pair) -> None:
    pair.feed([webhook(1, ADD, MATRIX), webhook(2, ADD, MATRICA)], 0)
    pair.settle()
    assert pair.texts == []
    assert not any(key.startswith(TEXT) for key in pair.catalogue.contents())


def test_without_a_vector_everything_else_works(pair: Pair) -> None:
    both(pair)
    for _ in range(3):
        pair.tick()
    assert pair.wanted() == {"acme|1", "other|x"}
    pair.feed([webhook(3, ADD, MATRIX | {"id": "y"}, partner="third")], 2)
    assert content(pair, "third:y").same_as == "acme:1"


def test_many_texts_wait_for_the_next_tick(pair: Pair) -> None:
    count = EMITS_MAX // 2 + 10
    for place, partner in enumerate(("acme", "other")):
        some = [webhook(number, ADD, MATRIX | {"id": str(number), "title": f"{partner} {number}",
                                               "cast": [f"Actor {number}"]}, partner=partner)
                for number in range(count)]  # fmt: skip
        pair.feed(some, place * count)
    pair.tick()
    assert len(pair.texts) == EMITS_MAX
    pair.tick()
    assert len(pair.texts) == 2 * count
    pair.tick()
    assert len(pair.texts) == 2 * count


def test_what_changed_while_the_catalogue_was_down_is_published_after_it_starts(pair: Pair) -> None:
    both(pair)
    pair.tick()
    pair.deliver_texts()
    assert pair.encode()
    pair.restart_catalogue()
    pair.tick()
    assert content(pair, "other:x").same_as == "acme:1"
    taken_back = [Record(RECORD_VECTORS.name, 0, 0, 0, b"acme|1", None)]
    pair.vectors += taken_back
    pair.restart_catalogue()
    pair.tick()
    assert content(pair, "other:x").same_as is None
    assert content(pair, "acme:1").records == ()


def test_episodes_of_series_joined_while_the_catalogue_was_down_are_published_too(
    pair: Pair,
) -> None:
    for number, (partner, own) in enumerate((("acme", "1"), ("other", "x"))):
        series = (MATRIX if own == "1" else MATRICA) | {"type": "series"}
        episode = {"id": f"e{own}", "type": "episode", "title": f"Pilot {own}", "series_id": own,
                   "season_number": 1, "episode_number": 1}  # fmt: skip
        cut = {"id": f"c{own}", "type": "series", "title": f"Cut {own}", "version_of": own}
        said = [webhook(10 * number + place, ADD, each, partner=partner)
                for place, each in enumerate((series, episode, cut))]  # fmt: skip
        pair.feed(said, 3 * number)
    pair.tick()
    pair.deliver_texts()
    assert pair.encode()
    assert content(pair, "other:ex").same_as is None
    pair.restart_catalogue()
    pair.tick()
    assert content(pair, "other:x").same_as == "acme:1"
    assert content(pair, "other:ex").same_as == "acme:e1"
    assert content(pair, "other:cx").version_of == "acme:1"


def test_the_longest_id_of_a_partner_has_a_text(pair: Pair) -> None:
    own = "i" * PARTNER_CONTENT_ID_MAX
    show = {
        "kind": "show", "id": own, "name": "The Matrix", "premiered": "1999-01-01",
        "summary": overview(0), "_embedded": {"cast": [{"person": {"name": "Keanu Reeves"}}]},
    }  # fmt: skip
    pair.feed([webhook(1, ADD, show, mapper="series-catalogue")], 0)
    pair.feed([webhook(2, ADD, MATRICA | {"type": "series"}, partner="other")], 1)
    pair.settle()
    assert pair.wanted() == {f"acme|show-{own}", "other|x"}


def test_a_text_that_nobody_wanted_when_the_catalogue_went_down_is_taken_back(pair: Pair) -> None:
    both(pair)
    pair.settle()
    pair.feed([webhook(3, UPDATE, {"id": "1", "cast": ["Somebody Else"]})], 2)
    pair.restart_catalogue()
    pair.settle()
    assert (pair.wanted(), pair.encoded()) == (set(), set())


def test_a_crash_that_lost_what_the_table_knew_of_texts_loses_no_match(pair: Pair) -> None:
    both(pair)
    pair.tick()
    pair.deliver_texts()
    assert pair.encode()
    table = pair.catalogue.tables[0]
    for key in ("acme|1", "other|x"):
        table.delete(TEXT + key)
    table.keep()
    pair.restart_catalogue()
    pair.tick()
    assert content(pair, "other:x").same_as == "acme:1"
    assert pair.wanted() == {"acme|1", "other|x"}


def test_the_first_webhook_after_a_start_splits_nothing(pair: Pair) -> None:
    both(pair)
    pair.settle()
    pair.restart_catalogue()
    before = len(pair.catalogue.emits)
    pair.feed([webhook(3, UPDATE, {"id": "1", "runtime_s": 8160})], 2)
    assert [each.key for each in pair.catalogue.emits[before:]] == [b"acme:1", b"other:x"]
    assert len(content(pair, "acme:1").records) == 2


def test_a_vector_of_a_record_that_nobody_sent_changes_nothing(pair: Pair) -> None:
    both(pair)
    pair.settle()
    before = pair.contents()
    pair.catalogue.step.on_replica(
        RECORD_VECTORS, [pair.vectors[0]._replace(key=b"nobody|1")]
    )  # fmt: skip
    pair.restart_catalogue()
    pair.catalogue.step.on_replica(
        RECORD_VECTORS, [pair.vectors[0]._replace(key=b"nobody|1")]
    )  # fmt: skip
    pair.tick()
    assert pair.contents() == before


def test_a_vector_without_key_stops_the_agent(pair: Pair) -> None:
    with pytest.raises(ValueError, match="no key"):
        pair.catalogue.step.on_replica(
            RECORD_VECTORS, [Record(RECORD_VECTORS.name, 0, 0, 0, None, None)]
        )


@st.composite
def payloads(draw) -> tuple[str, dict]:
    payload: dict = {
        "id": draw(st.sampled_from("12")),
        "type": draw(st.sampled_from(["movie", "movie", "series"])),
        "title": draw(st.sampled_from(["The Matrix", "Dark City", "Solaris", "Heat", "Big"])),
        "release_year": draw(st.sampled_from([1999, 1999, 2000])),
        "cast": draw(st.sampled_from([["Ann"], ["Ann", "Bob"], ["Bob"]])),
        "overview": draw(st.sampled_from([overview(0), overview(0), overview(4), overview(70)])),
    }
    if draw(st.integers(0, 4)) == 0:
        payload["external_ids"] = {"imdb": draw(st.sampled_from(["tt0000001", "tt0000002"]))}
    return draw(st.sampled_from("abc")), payload


Steps = st.lists(
    st.one_of(
        payloads(), payloads(),
        st.sampled_from(["tick", "deliver_texts", "encode", "deliver_vectors", "settle",
                         "restart_catalogue", "start_fitter"]),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=150)
@given(Steps)
def test_whenever_vectors_come_the_end_is_what_a_replay_derives(steps) -> None:
    lived, webhooks = Pair(), []
    for step in steps:
        if isinstance(step, str):
            getattr(lived, step)()
            continue
        partner, payload = step
        number = len(webhooks)
        webhooks.append(webhook(number, UPDATE, payload, partner=partner))
        lived.feed(webhooks[-1:], number)
    lived.settle()
    replayed = Pair()
    replayed.vectors = lived.vectors
    replayed.deliver_vectors()
    replayed.feed(webhooks, 0)
    replayed.settle()
    assert replayed.contents() == lived.contents()
    assert replayed.catalogue.contents() == lived.catalogue.contents()
    assert replayed.wanted() == lived.wanted() == lived.encoded()
    again = Pair()  # and without what was encoded before
    again.feed(webhooks, 0)
    again.settle()
    assert again.contents() == lived.contents()


def test_texts_are_bytes_of_one_schema(pair: Pair) -> None:
    both(pair)
    pair.tick()
    assert orjson.loads(pair.texts[1].value or b"") == {
        "partner": "other", "partner_id": "x", "text": overview(3),
    }  # fmt: skip
    assert pair.texts[1].topic == RECORD_TEXTS.name
