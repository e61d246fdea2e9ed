"""Records written once decode for ever: committed schemas, committed examples."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cli.documents.json_schemas import EXAMPLES, incompatible, json_schema, location, schema_text
from domain.catalogue.mappers.registry import MAPPERS, mapper_of
from schemas.codec import DecodeError, decode, encode
from schemas.compatibility import breaking_changes
from schemas.progress import ProgressEvent
from schemas.webhook import WebhookReceived
from tests.architecture.rules.files import ROOT, files
from topics.catalog import CATALOG, NEIGHBOURS, PROGRESS, WATCH_STATES, WEBHOOKS
from topics.spec import TopicSpec

EXAMPLES_MIN = 2
CASES = [
    pytest.param(topic, path, id=f"{topic.name}-{path.stem}")
    for topic in CATALOG
    for path in sorted((ROOT / EXAMPLES / location(topic)).glob("*.json"))
]
Schema = dict[str, Any]


@pytest.mark.parametrize(("topic", "path"), CASES)
def test_every_example_decodes_for_ever(topic: TopicSpec, path: Path) -> None:
    value = decode(topic.schema, path.read_bytes())
    assert decode(topic.schema, encode(value)) == value
    assert encode(decode(topic.schema, encode(value))) == encode(value)
    assert topic.key_of(value)


@pytest.mark.parametrize(("topic", "path"), CASES)
def test_every_example_satisfies_the_committed_schema(topic: TopicSpec, path: Path) -> None:
    committed = json.loads(
        (ROOT / "schemas/json" / location(topic)).with_suffix(".json").read_text()
    )
    Draft202012Validator.check_schema(committed)
    Draft202012Validator(committed).validate(json.loads(path.read_text()))


@pytest.mark.parametrize(("topic", "path"), CASES)
def test_a_reader_ignores_fields_that_a_newer_writer_added(topic: TopicSpec, path: Path) -> None:
    record = json.loads(path.read_text())
    newer = json.dumps(record | {"added_in_a_later_release": {"a": [1]}}).encode()
    assert decode(topic.schema, newer) == decode(topic.schema, path.read_bytes())


@pytest.mark.parametrize("topic", CATALOG, ids=lambda topic: topic.name)
def test_a_record_without_its_key_is_refused(topic: TopicSpec) -> None:
    path = next((ROOT / EXAMPLES / location(topic)).glob("*.json"))
    record = json.loads(path.read_text())
    del record[topic.key[0]]
    with pytest.raises(DecodeError, match=topic.key[0]):
        decode(topic.schema, json.dumps(record).encode())


def orphans(present: set[Path], topics: tuple[TopicSpec, ...]) -> list[str]:
    """Return examples and schemas that belong to no topic, and topics with too few examples."""
    problems = []
    expected = {location(topic) for topic in topics}
    counts = dict.fromkeys(expected, 0)
    for path in sorted(present):
        if path.parts[:2] == ("schemas", "json"):
            owner = path.relative_to("schemas/json").with_suffix("")
        else:
            owner = path.relative_to(EXAMPLES).parent
            counts[owner] = counts.get(owner, 0) + 1
        if owner not in expected:
            problems.append(f"{path} belongs to no topic")
    few = [place for place in expected if counts[place] < EXAMPLES_MIN]
    return problems + [f"{place}: {counts[place]} examples" for place in sorted(few)]


def _committed() -> set[Path]:
    return {
        path for path in files(below=("schemas/json", "schemas/examples"))
        if path.name != "README.md"
    }  # fmt: skip


def test_no_orphan_example_or_schema_and_enough_examples() -> None:
    assert orphans(_committed(), CATALOG) == []


def test_orphans_are_found() -> None:
    present = _committed() | {
        Path("schemas/json/playback.plays/v1.json"), EXAMPLES / "playback.plays/v1/a.json",
    }  # fmt: skip
    present -= {p for p in present if p.match("examples/intelligence.neighbours/v1/none-yet.json")}
    assert orphans(present, CATALOG) == [
        f"{EXAMPLES}/playback.plays/v1/a.json belongs to no topic",
        "schemas/json/playback.plays/v1.json belongs to no topic",
        "intelligence.neighbours/v1: 1 examples",
    ]


def test_models_are_compatible_with_the_committed_schemas() -> None:
    assert incompatible(ROOT) == []


def test_an_incompatible_model_is_found_in_the_repository_too(tmp_path: Path) -> None:
    """The same comparison over files: a committed field that the model no longer has."""
    path = (tmp_path / "schemas/json" / location(PROGRESS)).with_suffix(".json")
    path.parent.mkdir(parents=True)
    older = json.loads(schema_text(PROGRESS))
    older["properties"]["volume"] = {"type": "number"}
    path.write_text(json.dumps(older))
    assert incompatible(tmp_path) == [f"{PROGRESS.name}: volume: removed"]


def _remove(schema: Schema) -> None:
    del schema["properties"]["region"]


def _rename(schema: Schema) -> None:
    schema["properties"]["position_ms"] = schema["properties"].pop("position_s")


def _retype(schema: Schema) -> None:
    schema["properties"]["occurred_at_ms"]["type"] = "string"


def _retype_optional(schema: Schema) -> None:
    schema["properties"]["credits_at_s"]["anyOf"][0]["type"] = "string"


def _add_required(schema: Schema) -> None:
    schema["properties"]["country"] = {"type": "string"}
    schema["required"].append("country")


def _require(schema: Schema) -> None:
    schema["required"].append("position_s")


def _stop_requiring(schema: Schema) -> None:
    schema["required"].remove("session_id")


def _drop_enumerated(schema: Schema) -> None:
    schema["properties"]["state"]["anyOf"][0]["enum"].remove("paused")


def _tighten(schema: Schema) -> None:
    schema["properties"]["position_s"]["maximum"] = 10
    schema["properties"]["user_id"]["minLength"] = 5
    schema["properties"]["user_id"]["pattern"] = "^[a-z]+$"


def _open_enumeration(schema: Schema) -> None:
    del schema["properties"]["state"]["anyOf"][1]["enum"]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (_remove, ["region: removed"]),
        (_rename, ["position_s: removed"]),
        (_retype, ["occurred_at_ms: type changed from ['integer'] to ['string']"]),
        (
            _retype_optional,
            ["credits_at_s: type changed from ['null', 'number'] to ['null', 'string']"],
        ),
        (_add_required, ["country: new and required"]),
        (_require, ["position_s: became required"]),
        (_stop_requiring, ["session_id: became optional, old readers need it"]),
        (_drop_enumerated, ["state: no longer accepts 'paused'"]),
        (_open_enumeration, None),
        (
            _tighten,
            [
                "position_s: maximum tightened to 10",
                "user_id: minLength tightened to 5",
                "user_id: pattern changed to ^[a-z]+$",
            ],
        ),
    ],
)
def test_an_incompatible_change_is_found(
    change: Callable[[Schema], None], problems: list[str] | None
) -> None:
    newer = json_schema(PROGRESS)
    change(newer)
    found = breaking_changes(json_schema(PROGRESS), newer)
    assert found == problems if problems else len(found) == 1


def test_changes_inside_lists_and_referenced_models_are_found() -> None:
    newer = copy.deepcopy(json_schema(NEIGHBOURS))
    del newer["$defs"]["Neighbour"]["properties"]["weight"]
    assert "neighbours[].weight: removed" in breaking_changes(json_schema(NEIGHBOURS), newer)
    newer = json_schema(WATCH_STATES)
    newer["properties"]["intervals_s"]["items"]["prefixItems"].pop()
    newer["properties"]["recent_events"]["items"]["type"] = "integer"
    assert breaking_changes(json_schema(WATCH_STATES), newer) == [
        "intervals_s[]: 2 positions became 1",
        "recent_events[]: type changed from ['string'] to ['integer']",
    ]


def test_compatible_changes_pass() -> None:
    newer = json_schema(PROGRESS)
    newer["properties"]["volume"] = {"anyOf": [{"type": "number"}, {"type": "null"}]}
    newer["properties"]["state"]["anyOf"][0]["enum"].append("buffering")
    newer["properties"]["user_id"]["maxLength"] = 128
    assert breaking_changes(json_schema(PROGRESS), newer) == []


def test_a_model_with_a_field_added_is_compatible() -> None:
    class Newer(ProgressEvent):
        volume: float | None = None

    assert breaking_changes(ProgressEvent.model_json_schema(), Newer.model_json_schema()) == []


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / EXAMPLES / location(WEBHOOKS)).glob("*.json")),
    ids=lambda path: path.stem,
)
def test_every_webhook_example_is_understood_by_its_mapper(path: Path) -> None:
    webhook = decode(WebhookReceived, path.read_bytes())
    assert path.stem.startswith(webhook.mapper)
    mapped = mapper_of(webhook.mapper)(webhook.payload)
    assert mapped.partner_id
    if webhook.event_type == "content_added":
        named = webhook.payload[mapped.called("title")]
        assert mapped.fields["title"] == (named or f"Season {webhook.payload['number']}")


def test_there_is_an_example_of_every_mapper() -> None:
    stems = [path.stem for path in (ROOT / EXAMPLES / location(WEBHOOKS)).glob("*.json")]
    assert [name for name in MAPPERS if not any(stem.startswith(name) for stem in stems)] == []
