"""Headers of dead letters and redriven records, and what is read from bytes of any kind."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.dead_letters import (
    DETAIL_BYTES_MAX,
    Failure,
    Identity,
    Letter,
    LetterError,
    Origin,
    identify,
    letter_headers,
    pack_headers,
    payload_of,
    read_letter,
    redrive_headers,
    shortened,
    unpack_headers,
    with_mapper,
)
from schemas.codec import decode, encode
from schemas.webhook import WebhookReceived

WEBHOOK_KEY = ("partner", "webhook_id")
FAILURE = Failure("catalogue", "rule", "title: expected a text")

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
own_headers = st.lists(
    st.tuples(
        names.filter(lambda name: not name.startswith(("dlq.", "redrive."))),
        st.none() | st.binary(max_size=40),
    ),
    max_size=5,
)
offsets = st.integers(0, 2**63 - 1)


def a_webhook(**changes):
    fields = {
        "event_id": "e-1", "partner": "acme", "mapper": "generic", "webhook_id": "msg_1",
        "event_type": "content_added", "platform": "p", "occurred_at_ms": 1, "received_at_ms": 2,
        "payload": {"id": "1", "title": None, "big": 2**90, "f": 1.5},
    }  # fmt: skip
    return WebhookReceived.model_validate(fields | changes)


@given(own_headers, offsets, st.lists(offsets, min_size=1, max_size=4))
def test_failures_of_one_record_are_counted_and_know_the_first(own, timestamp_ms, places):
    headers = own
    for attempt, offset in enumerate(places, start=1):
        origin = Origin("topic", 3, offset)
        said = letter_headers(origin, timestamp_ms, headers, FAILURE)
        first = places[0] if attempt > 1 else None
        assert read_letter(said) == Letter(origin, FAILURE, attempt, first)
        headers = redrive_headers(said)
        # Its own headers are kept in order, and those of one redrive replace those before.
        assert headers[: len(own)] == own
        assert len({name for name, _ in headers[len(own) :]}) == len(headers) - len(own)
        assert ("redrive.offset", b"%d" % offset) in headers
        assert not any(name.startswith("dlq.") for name, _ in headers[len(own) :])


def test_a_letter_from_before_attempts_were_counted_is_a_first_failure():
    said = [header for header in letter_headers(Origin("t", 0, 5), 0, (), FAILURE)
            if header[0] != "dlq.attempts"]  # fmt: skip
    assert read_letter(said) == Letter(Origin("t", 0, 5), FAILURE, 1, None)


@pytest.mark.parametrize("missing", ["topic", "partition", "offset", "agent", "reason", "detail"])
def test_what_lacks_a_header_is_no_dead_letter(missing):
    said = letter_headers(Origin("t", 0, 5), 0, (), FAILURE)
    with pytest.raises(LetterError, match=missing):
        read_letter([header for header in said if header[0] != f"dlq.{missing}"])


def test_what_has_no_number_is_no_dead_letter():
    said = dict(letter_headers(Origin("t", 0, 5), 0, (), FAILURE))
    with pytest.raises(LetterError):
        read_letter([*(said | {"dlq.offset": b"x"}).items()])


@pytest.mark.parametrize(
    "headers",
    [
        [("redrive.attempts", b"2")],
        [("redrive.attempts", b"x"), ("redrive.first_offset", b"1")],
        [("redrive.attempts", None), ("redrive.first_offset", b"1")],
    ],
)
def test_headers_that_only_look_like_a_redrive_lose_no_record(headers):
    assert read_letter(letter_headers(Origin("t", 0, 5), 0, headers, FAILURE)).attempts == 1


def test_the_detail_can_be_kept_by_postgres():
    said = letter_headers(Origin("t", 0, 5), 0, (), FAILURE._replace(detail="a\0b\ud800"))
    assert read_letter(said).failure.detail == "a\N{REPLACEMENT CHARACTER}b?"


@given(st.text(max_size=1200))
@example("é" * DETAIL_BYTES_MAX)
@example("🎬" * DETAIL_BYTES_MAX)
def test_a_detail_is_cut_at_a_whole_character(text):
    cut = shortened(text)
    assert len(cut) <= DETAIL_BYTES_MAX
    assert text.encode(errors="replace").decode().startswith(cut.decode())
    assert len(cut) > DETAIL_BYTES_MAX - 4 or cut == text.encode(errors="replace")


def test_a_webhook_says_whose_it_is():
    value = encode(a_webhook())
    whose = Identity("acme", None, "e-1", "msg_1")
    assert identify(WEBHOOK_KEY, b"acme|msg_1", value) == whose
    assert identify(WEBHOOK_KEY, None, value) == whose
    assert identify(WEBHOOK_KEY, b"acme|msg_1", b"\xff") == whose._replace(event_id=None)


def test_a_progress_event_says_whose_it_is():
    assert identify(("user_id",), b"user-1", b'{"user_id": "user-1", "event_id": "e"}') == (
        None, "user-1", "e", None,
    )  # fmt: skip
    assert identify(("user_id",), b"user-1", None) == (None, "user-1", None, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"acme|msg", b'{"partner": "globex"}'),  # who is right decides who sees it: nobody does
        (None, b'{"partner": "ACME"}'),
        (None, b'{"partner": ["acme"]}'),
        (None, b'{"payload": {"partner": "acme"}}'),
        (None, b'[{"partner": "acme"}]'),
        (b"acme", b"{}"),
        (b"acme|a|b", b"{}"),
        (b"acme\xff|a", None),
        (b"-acme|", None),
        (b"a" * 41 + b"|", None),
        (b"acme\n|", None),
    ],
)
def test_a_partner_that_is_not_certain_is_nobody(key, value):
    assert identify(WEBHOOK_KEY, key, value).partner is None


@given(st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(key, value):
    found = identify(WEBHOOK_KEY, key, value)
    assert all(each is None or "\0" not in each for each in found)
    payload_of(value)


@pytest.mark.parametrize("value", [None, b"", b"x", b"[]", b'{"payload": 1}', b"[" * 9000])
def test_a_payload_that_cannot_be_read_is_none(value):
    assert payload_of(value) is None


def test_another_mapper_changes_its_name_and_nothing_else():
    webhook = a_webhook()
    value, before = with_mapper(encode(webhook), "film-catalogue")
    assert before == "generic"
    assert value == encode(webhook).replace(b'"generic"', b'"film-catalogue"')
    assert decode(WebhookReceived, value).payload == webhook.payload


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "no webhook"),
        (b"\xff", "no webhook"),
        (b'{"user_id": "u"}', "no webhook"),
        (encode(a_webhook())[:-1] + b',"new_field":1}', "more than the mapper would change"),
        (b" " + encode(a_webhook()), "more than the mapper would change"),
    ],
)
def test_another_mapper_is_refused_where_more_would_change(value, why):
    with pytest.raises(LetterError, match=why):
        with_mapper(value, "film-catalogue")


@given(st.lists(st.tuples(names, st.none() | st.binary(max_size=40)), max_size=6))
def test_packed_headers_come_back(headers):
    assert unpack_headers(pack_headers(headers)) == headers
