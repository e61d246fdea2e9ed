"""One accepted webhook -> what its payload says, and how it changes the partner's record."""

from dataclasses import replace
from typing import Any

from domain.catalogue.facts import EXTERNAL
from domain.catalogue.mapped import Mapped, refusal
from domain.catalogue.mappers.registry import mapper_of
from domain.catalogue.record import Change, check, record_key
from schemas.webhook import WebhookReceived

_REQUIRED = ("type", "title")


def mapped_of(webhook: WebhookReceived) -> Mapped:
    """Read the payload and check that it holds what its event type needs.

    Raises:
        MappingError: it does not, or a field cannot be read; the message has the partner's names.
    """
    mapped = mapper_of(webhook.mapper)(webhook.payload)
    if webhook.event_type == "content_added":
        for name in _REQUIRED:
            if mapped.fields.get(name) is None:
                raise refusal(mapped.called(name), "a value", None, "content_added needs it")
    if webhook.event_type == "availability_changed":
        if mapped.availability is None:
            advice = "availability_changed needs it; [] says that nobody may see the title"
            raise refusal("availability", "a list of windows", None, advice)
        return replace(mapped, fields={}, external_ids={}, links={}, unknown_genres=())
    if webhook.event_type == "content_removed":
        return replace(mapped, fields={}, links={}, availability=None, unknown_genres=())
    return mapped


def change_of(webhook: WebhookReceived, mapped: Mapped) -> Change:
    """Return the change; links are keys of the partner's own records.

    Raises:
        MappingError: a value is out of range; the message has the partner's name of the field.
    """
    removed = webhook.event_type == "content_removed"
    check(mapped.fields, mapped.availability, mapped.names)
    fields: dict[str, Any] = dict(mapped.fields)
    if not removed:
        fields |= {EXTERNAL + kind: value for kind, value in mapped.external_ids.items()}
    links = {
        name: None if own is None else record_key(webhook.partner, own)
        for name, own in mapped.links.items()
    }
    opened = tuple(key for key in links.values() if key is not None)
    return Change(fields | links, mapped.availability, removed, opened)
