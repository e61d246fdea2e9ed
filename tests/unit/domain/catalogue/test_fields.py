"""The table of fields is true: mappers read these fields and no other, as it says."""

import copy
from typing import Any

import pytest

from domain.catalogue.events import change_of, mapped_of
from domain.catalogue.identity import EXTERNAL_KINDS
from domain.catalogue.mapped import Mapped, MappingError
from domain.catalogue.mappers import fields as declared
from domain.catalogue.mappers.fields import (
    ADDED,
    ALWAYS,
    AVAILABILITY,
    ID,
    SHAPES,
    WINDOW,
    Field,
    Shape,
)
from domain.catalogue.mappers.registry import MAPPERS, mapper_of
from schemas.webhook import WebhookReceived
from tests.support.watched import Watched

NAMES = [f"{shape.mapper}: {shape.about}" for shape in SHAPES]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
each_field = pytest.mark.parametrize(
    ("shape", "field"), [(shape, field) for shape in SHAPES for field in shape.fields]
)
LONG = "x" * 201
IDENTIFIERS = ([], ["", "114709", 114709, ["x"]])
# Of each kind: values that are taken, and values that are refused.
SAMPLES: dict[str, tuple[list[Any], list[Any]]] = {
    declared.TEXT: ([], [1, True, ["x"], {}]),
    declared.CHOICE: ([], [1, "opera", ["x"]]),
    declared.URL: (["http://example.org"], [1, "a.jpg", "javascript:alert(1)"]),
    declared.WHOLE: (["1900", 1900], ["long", True, 1.5, [1]]),
    declared.MINUTES: (["90", 90, 0, 16_666], ["90 min", -1, 16_667]),
    declared.NAMES: (["a, b", ["a", "b"], []], [1, [1], {}]),
    declared.OWN_ID: ([7, "7", "x" * 200], [LONG, 1.5, True, ["x"]]),
    declared.DATE: (["1999-01-01"], [1999, "1999", "01.01.1999"]),
    declared.DURATION: (["90 min", "1 Season", "2 Seasons"], [90, "90", "1:30"]),
    declared.MOMENT: (["2026-02-01T00:00:00+01:00"], [1, "2026-02-01", "2026-02-01T00:00:00"]),
    declared.WINDOWS: ([[], [{}], [{}] * 300], [1, {}, [1], [{}] * 301]),
    declared.IMDB: IDENTIFIERS,
    declared.TMDB: IDENTIFIERS,
    declared.EIDR: IDENTIFIERS,
}  # fmt: skip


def put(payload: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """Return the payload with a value at a place: ``a.b``, ``a[].b``."""
    changed = copy.deepcopy(payload)
    node, names = changed, place.split(".")
    for name in names[:-1]:
        if name.endswith("[]"):
            node = node.setdefault(name[:-2], [{}])[0]
        else:
            node = node.setdefault(name, {})
    node[names[-1]] = value
    return changed


def payload_of(fields: Any, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a payload of the fields' examples."""
    found = payload or {}
    for field in fields:
        found = put(found, field.name, field.example)
    return found


def needed(shape: Shape, *events: str) -> dict[str, Any]:
    return payload_of(field for field in shape.fields if field.needed in events)


def with_window(payload: dict[str, Any], *fields: Field) -> dict[str, Any]:
    return {**payload, "availability": [{field.name: field.example for field in fields}]}


def send(shape: Shape, payload: dict[str, Any], event_type: str = "content_updated") -> Mapped:
    """Return how a payload is read.

    Raises:
        MappingError: it is refused.
    """
    webhook = WebhookReceived(
        event_id="e", partner="acme", mapper=shape.mapper, webhook_id="w", event_type=event_type,
        platform="acme", occurred_at_ms=0, received_at_ms=0, payload=payload,
    )  # fmt: skip
    mapped = mapped_of(webhook)
    change_of(webhook, mapped)
    return mapped


def places(names: list[str]) -> set[str]:
    """Return the places and those of the objects around them."""
    found = set()
    for name in names:
        parts = name.split(".")
        found |= {".".join(parts[: end + 1]).removesuffix("[]") for end in range(len(parts))}
    return found


def test_every_mapper_and_kind_is_declared() -> None:
    assert {shape.mapper for shape in SHAPES} == set(MAPPERS)
    used = {field.kind for shape in SHAPES for field in shape.fields} | {f.kind for f in WINDOW}
    assert used == set(SAMPLES)


def is_true(shape: Shape) -> bool:
    """Whether the mapper reads the fields of the shape and no other."""
    whole = payload_of(shape.fields)
    variants = [whole, with_window(whole, *WINDOW)]
    variants += [with_window(whole, *(each for each in WINDOW if not each.name.endswith("_ms")))]
    # One that is empty may have another read in its place.
    variants += [put(whole, each.name, None) for each in shape.fields if "." in each.name]
    asked: set[str] = set()
    for payload in map(Watched, variants):
        mapper_of(shape.mapper)(payload)
        asked |= payload.places_asked()
    if "external_ids" in asked:  # every kind that is there is read, known ones are taken
        asked |= {f"external_ids.{kind}" for kind in EXTERNAL_KINDS}
    window = [f"availability[].{field.name}" for field in WINDOW]
    return asked == places([field.name for field in shape.fields] + window)


@each_shape
def test_the_fields_are_those_that_are_read(shape: Shape) -> None:
    assert is_true(shape)


@each_shape
def test_a_field_that_is_left_out_or_invented_is_noticed(shape: Shape) -> None:
    for left_out in shape.fields:
        if left_out.needed not in (ALWAYS, AVAILABILITY):
            fields = tuple(each for each in shape.fields if each is not left_out)
            assert not is_true(shape._replace(fields=fields)), left_out.name
    invented = (*shape.fields, Field("year", declared.WHOLE, 1927, "release_year"))
    assert not is_true(shape._replace(fields=invented))


@each_field
def test_an_example_is_taken_and_becomes_what_is_said(shape: Shape, field: Field) -> None:
    base = needed(shape, ALWAYS)
    mapped = send(shape, put(base, field.name, field.example))
    if field.becomes == ID:
        own_id = str(field.example)
        assert mapped.partner_id in (own_id, f"{base.get('kind')}-{own_id}")
        return
    found: dict[str, Any] = {**mapped.fields, **mapped.links, "availability": mapped.availability}
    found["external_ids"] = mapped.external_ids
    assert found.get(field.becomes) not in (None, {}), field.name


@each_field
def test_a_field_takes_and_refuses_what_its_kind_says(shape: Shape, field: Field) -> None:
    base = needed(shape, ALWAYS)
    taken, refused = SAMPLES[field.kind]
    for value in taken:
        if field.becomes != "type":
            send(shape, put(base, field.name, value))
    for value in refused:
        if value == "" and not field.needed:
            continue  # as good as absent
        with pytest.raises(MappingError) as caught:
            send(shape, put(base, field.name, value))
        assert caught.value.field_name.startswith(field.name.partition("[]")[0]), value


@pytest.mark.parametrize("field", WINDOW, ids=[field.name for field in WINDOW])
def test_a_window_takes_and_refuses_what_is_said(field: Field) -> None:
    generic = SHAPES[0]
    taken, refused = SAMPLES[field.kind]
    for value in [field.example, *taken]:
        mapped = send(generic, {"id": "1", "availability": [{field.name: value}]})
        assert mapped.availability is not None
        assert field.becomes in mapped.availability[0]
    for value in refused:
        with pytest.raises(MappingError, match=r"^availability\[0\]\."):
            send(generic, {"id": "1", "availability": [{field.name: value}]})


@each_shape
def test_what_an_event_needs_is_what_is_said(shape: Shape) -> None:
    for event, needs in (
        ("content_added", (ALWAYS, ADDED)), ("content_updated", (ALWAYS,)),
        ("content_removed", (ALWAYS,)), ("availability_changed", (ALWAYS, AVAILABILITY)),
    ):  # fmt: skip
        send(shape, needed(shape, *needs), event)
        for field in shape.fields:
            if field.needed in needs:
                without = payload_of(
                    each for each in shape.fields if each.needed in needs and each is not field
                )
                with pytest.raises(MappingError):
                    send(shape, without, event)


@each_shape
def test_an_event_that_reads_little_still_refuses_what_is_malformed(shape: Shape) -> None:
    wrong = put(needed(shape, ALWAYS, AVAILABILITY), "availability", 1)
    for event in ("content_removed", "availability_changed"):
        with pytest.raises(MappingError):
            send(shape, wrong, event)
    whole = payload_of(shape.fields)
    for event in ("content_removed", "availability_changed"):
        mapped = send(shape, whole, event)
        assert (mapped.fields, mapped.links) == ({}, {})


@pytest.mark.parametrize(
    "field", [field for field in SHAPES[0].fields if field.needed != ALWAYS]
)  # fmt: skip
def test_null_clears_what_is_said(field: Field) -> None:
    mapped = send(SHAPES[0], put({"id": "1"}, field.name, None)) if field.name != "title" else None
    if field.becomes == "external_ids":
        assert mapped is not None
        assert mapped.external_ids == {field.name.partition(".")[2]: None}
    elif field.name in {"type", "availability"}:
        assert mapped == Mapped(partner_id="1")
    elif field.name in {"series_id", "version_of"}:
        assert mapped == Mapped(partner_id="1", links={field.name: None})
    elif mapped is None:
        with pytest.raises(MappingError, match="a title cannot be cleared"):
            send(SHAPES[0], {"id": "1", "title": None})
    else:
        assert not mapped.fields[field.becomes]
