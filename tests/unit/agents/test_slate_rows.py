"""The parts of a slate: cut out of the record they are what decoding it whole gives."""

import json
from pathlib import Path

import orjson
import pytest

from agents.slate_rows import SlateParts, parts_of
from domain.slates import build_slates
from schemas.api import Recommendations, recommendations_of
from schemas.codec import DecodeError, decode, encode
from schemas.slate import PackedRanking, Slate, SlateFeed
from tests.support import viewers as world

EXAMPLES = sorted(Path("schemas/examples/intelligence.slates/v1").glob("*.json"))
BUILT = [
    built.value
    for built in build_slates(
        world.ranker(), [each.viewer for each in world.watchers(20)], world.SHAPE, world.NOW_MS
    )
]
# Texts that look like the places where parts are cut.
MARKS = '}],"as_of_ms":1,"rows":[{,"packed_ranking":{"entries":[\\"'


def whole(value: bytes) -> SlateParts:
    """What the models say of a record, field by field."""
    slate = decode(Slate, value)
    packed = slate.packed_ranking
    return SlateParts(
        slate.user_id, encode(recommendations_of(slate)),
        [entry.content_id for entry in slate.entries], slate.as_of_ms, slate.source_offset,
        slate.model_version, encode(SlateFeed(rows=slate.rows, log_partition=slate.log_partition)),
        None if slate.ranking is None else encode(slate.ranking),
        None if packed is None else encode(packed),
    )  # fmt: skip


def changed(value: bytes, **fields: object) -> bytes:
    return orjson.dumps(orjson.loads(value) | fields)


def test_slates_as_they_are_made_are_cut_as_they_are_decoded() -> None:
    for value in BUILT:
        parts = parts_of(value)
        assert parts == whole(value)
        assert parts.packed_ranking is not None
        assert decode(PackedRanking, parts.packed_ranking) == decode(Slate, value).packed_ranking
        assert len(decode(Recommendations, parts.body).entries) == world.SHAPE.size


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_records_of_any_age_and_form_have_the_same_parts(path: Path) -> None:
    spaced = path.read_bytes()
    assert parts_of(spaced) == whole(spaced)
    compact = encode(decode(Slate, spaced))
    assert parts_of(compact) == whole(compact)
    backwards = json.dumps(dict(reversed(json.loads(spaced).items())), separators=(",", ":"))
    assert parts_of(backwards.encode()) == whole(spaced)


@pytest.mark.parametrize(
    "fields",
    [
        {"entries": []}, {"rows": []}, {"newest_event_id": MARKS}, {"model_version": MARKS},
        {"added_later": {"rows": [{"a": 1}], "packed_ranking": {}}},
        {"packed_ranking": {"age_max": 9, "filters": [], "candidates": 0, "sources": [MARKS],
                            "terms": [], "causes": [], "because": [], "lifts": {}, "rules": {},
                            "ranks": [], "pool": ["packed_ranking", "rows"], "drops": [-1, 0],
                            "displaced": []}},
    ],
)  # fmt: skip
def test_texts_like_marks_and_fields_of_newer_writers_change_nothing(fields: dict) -> None:
    record = changed(BUILT[0], **fields)
    assert parts_of(record) == whole(record)
    titled = orjson.loads(record)
    for entry in titled["entries"]:
        entry |= {"title": MARKS, "explanation": MARKS, "based_on": [MARKS]}
    assert parts_of(orjson.dumps(titled)) == whole(orjson.dumps(titled))


@pytest.mark.parametrize(
    "value",
    [
        b"not json", b"[]", b"{}", BUILT[0][:-1], BUILT[0] + b"}", changed(BUILT[0], as_of_ms="x"),
        changed(BUILT[0], source_offset=-2), changed(BUILT[0], user_id="a b"),
        changed(BUILT[0], model_version=None), changed(BUILT[0], entries=[{"score": 1}]),
        changed(BUILT[0], entries=None), changed(BUILT[0], rows=[1]),
        changed(BUILT[0], packed_ranking=[]),
    ],
)  # fmt: skip
def test_what_is_no_slate_is_refused(value: bytes) -> None:
    with pytest.raises(DecodeError):
        parts_of(value)
