"""What a dead letter becomes when it is redriven, and what is refused before it is sent."""

import pytest

from domain.dead_letters import Failure, LetterError, Origin, letter_headers, pack_headers
from infra.kafka.sizes import RECORD_OVERHEAD_BYTES
from infra.postgres.dead_letters import DeadLetter, WholeLetter
from infra.redrive import prepare
from schemas.codec import decode, encode
from schemas.webhook import WebhookReceived
from topics.catalog import CONTENTS, PROGRESS, WEBHOOKS

OWN = [("trace", b"\xff")]


def a_whole(topic=WEBHOOKS, key=b"k", value=b"v", own=()):
    origin = Origin(topic.name, 3, 7)
    fields = dict.fromkeys(DeadLetter._fields) | {
        "letter_id": 1, "source_topic": topic.name, "source_partition": 3, "source_offset": 7,
    }  # fmt: skip
    headers = letter_headers(origin, 5, own, Failure("a", "rule", "d"))
    return WholeLetter(DeadLetter(**fields), key, value, pack_headers(headers))


@pytest.mark.parametrize(("key", "value"), [(b"k", b"v"), (None, None), (b"", b"\xff\0")])
def test_bytes_and_own_headers_stay(key, value):
    prepared = prepare(a_whole(key=key, value=value, own=OWN), None)
    assert (prepared.key, prepared.value) == (key, value)
    assert prepared.headers[:1] == OWN
    assert dict(prepared.headers[1:]) == {
        "redrive.topic": WEBHOOKS.name.encode(), "redrive.partition": b"3", "redrive.offset": b"7",
        "redrive.first_offset": b"7", "redrive.attempts": b"1",
    }  # fmt: skip


def test_another_mapper_is_said_in_the_headers():
    webhook = WebhookReceived(
        event_id="e", partner="acme", mapper="generic", webhook_id="w", event_type="content_added",
        platform="p", occurred_at_ms=1, received_at_ms=2, payload={},
    )  # fmt: skip
    prepared = prepare(a_whole(value=encode(webhook)), "film-catalogue")
    assert decode(WebhookReceived, prepared.value).mapper == "film-catalogue"
    assert dict(prepared.headers)["redrive.mapper_before"] == b"generic"
    with pytest.raises(LetterError, match="no webhook"):
        prepare(a_whole(PROGRESS, value=b"{}"), "film-catalogue")


def test_a_topic_that_takes_no_outside_input_is_refused():
    with pytest.raises(LetterError, match="no topic of this version"):
        prepare(a_whole(CONTENTS), None)


def test_more_than_the_topic_takes_is_refused_before_the_broker_does():
    largest = WEBHOOKS.message_bytes_max - RECORD_OVERHEAD_BYTES - 200
    assert prepare(a_whole(value=bytes(largest)), None).value == bytes(largest)
    with pytest.raises(LetterError, match=f"takes {WEBHOOKS.message_bytes_max}"):
        prepare(a_whole(value=bytes(WEBHOOKS.message_bytes_max)), None)
