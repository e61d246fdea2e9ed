"""Every webhook that a document shows is accepted as printed, and no field of it goes unread."""

import json
import re

import pytest

from api.openapi import document
from domain.catalogue.events import change_of, mapped_of
from schemas.webhook import WebhookEnvelope, WebhookReceived
from tests.architecture.rules.files import ROOT
from tests.support.watched import Watched

JSON_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)


def examples():
    """Return (place, envelope) of every example in the OpenAPI document and in the pages."""
    found = list(_envelopes("openapi", document()))
    for page in sorted((ROOT / "docs").glob("*.md")):
        for block in JSON_BLOCK.findall(page.read_text(encoding="utf-8")):
            found += _envelopes(page.name, json.loads(block))
    return found


def _envelopes(place, node):
    if isinstance(node, dict):
        if isinstance(node.get("event_type"), str) and isinstance(node.get("payload"), dict):
            yield place, node
        for value in node.values():
            yield from _envelopes(place, value)
    if isinstance(node, list):
        for value in node:
            yield from _envelopes(place, value)


EXAMPLES = examples()


def unread(envelope, mapper="generic"):
    """Return the fields of a payload that its mapper does not read.

    Raises:
        ValueError: it is refused.
    """
    WebhookEnvelope.model_validate(envelope, strict=True)
    webhook = WebhookReceived(
        event_id="e1", partner="acme", mapper=mapper, webhook_id="w1", occurred_at_ms=0,
        event_type=envelope["event_type"], platform=envelope["platform"], received_at_ms=0,
        payload={},
    )  # fmt: skip
    payload = Watched(envelope["payload"])
    read = webhook.model_copy(update={"payload": payload})
    change_of(read, mapped_of(read))
    return payload.places_unread()


def test_both_documents_have_examples():
    assert {place for place, _ in EXAMPLES} >= {"openapi", "partners.md"}


@pytest.mark.parametrize(("place", "envelope"), EXAMPLES)
def test_an_example_is_accepted_and_every_field_is_read(place, envelope):
    assert unread(envelope) == set(), place


def test_a_field_that_nobody_reads_is_noticed():
    payload = {"id": "A-1", "title": "M", "type": "movie", "year": 1931,
               "availability": [{"regoin": "DE"}]}  # fmt: skip
    envelope = {"event_type": "content_added", "platform": "x", "payload": payload,
                "timestamp": "2026-01-01T00:00:00Z"}  # fmt: skip
    assert unread(envelope) == {"year", "availability[].regoin"}
