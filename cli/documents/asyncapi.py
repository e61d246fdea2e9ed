"""Catalogue -> AsyncAPI 3.0: channels, messages and who sends and receives them."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from topics.catalog import CATALOG
from topics.spec import TopicSpec

SPECIFICATION = "3.0.0"
CONTRACT_VERSION = "1.0.0"  # of the set of topics; each topic carries its own version in its name
SCHEMAS = "#/components/schemas/"
DEAD_LETTER_HEADERS = {
    "dlq.topic": "topic the record came from",
    "dlq.partition": "its partition",
    "dlq.offset": "its offset",
    "dlq.timestamp_ms": "its timestamp",
    "dlq.agent": "agent that could not process it",
    "dlq.reason": "decode, rule or step",
    "dlq.detail": "for people: which field, why; at most 1 kB",
    "dlq.attempts": "how often it failed; more than 1 after a redrive",
    "dlq.first_offset": "where it failed for the first time; only after a redrive",
}
OPTIONAL_HEADERS = frozenset({"dlq.attempts", "dlq.first_offset"})


def asyncapi_text() -> str:
    """Return ``docs/generated/asyncapi.json``."""
    return json.dumps(asyncapi(), indent=2) + "\n"


def asyncapi() -> dict[str, Any]:
    """Return the document; one channel a topic and one a dead letter."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in CATALOG:
        channels[topic.name] = _channel(topic)
        operations.update(_operations(topic))
        if topic.dead_letter:
            channels[topic.dead_letter_name] = _dead_letter_channel(topic)
            operations.update(_dead_letter_operations(topic))
    return {
        "asyncapi": SPECIFICATION,
        "info": {
            "title": "Media Gateway topics",
            "version": CONTRACT_VERSION,
            "description": "Every Kafka topic: key, schema, writer and readers.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"description": "KAFKA_BOOTSTRAP_SERVERS"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"schemas": _schemas()},
    }


def _channel(topic: TopicSpec) -> dict[str, Any]:
    name = topic.schema.__name__
    message: dict[str, Any] = {
        "name": name,
        "payload": {"$ref": SCHEMAS + name},
        "bindings": {"kafka": {"key": _key_schema(topic)}},
    }
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: message},
        "bindings": {"kafka": _topic_binding(topic)},
    }


def _key_schema(topic: TopicSpec) -> dict[str, Any]:
    fields = "|".join(f"{{{field}}}" for field in topic.key)
    return {"type": "string", "description": f"{fields}; the first field decides the partition"}


def _topic_binding(topic: TopicSpec) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "cleanup.policy": [topic.cleanup],
        "retention.ms": topic.retention_ms,
        "max.message.bytes": topic.message_bytes_max,
    }
    return {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": configuration,
    }


def _dead_letter_channel(topic: TopicSpec) -> dict[str, Any]:
    letters = topic.dead_letters
    return {
        "address": letters.name,
        "description": letters.description,
        "messages": {
            "DeadLetter": {
                "name": "DeadLetter",
                "contentType": "application/octet-stream",
                "headers": _header_schema(),
                "payload": {"description": "the original bytes, whatever they were"},
            }
        },
        "bindings": {"kafka": _topic_binding(letters)},
    }


def _header_schema() -> dict[str, Any]:
    properties = {
        name: {"type": "string", "description": meaning}
        for name, meaning in DEAD_LETTER_HEADERS.items()
    }
    required = [name for name in properties if name not in OPTIONAL_HEADERS]
    return {"type": "object", "properties": properties, "required": required}


def _operations(topic: TopicSpec) -> dict[str, Any]:
    """One operation a component and topic; the name says who does what."""
    operations = {f"{topic.writer}.sends.{topic.name}": _operation("send", topic)}
    for reader in topic.readers:
        operations[f"{reader}.receives.{topic.name}"] = _operation("receive", topic)
    return operations


def _dead_letter_operations(topic: TopicSpec) -> dict[str, Any]:
    letters = topic.dead_letters
    sends = {f"{each}.sends.{letters.name}": _operation("send", letters) for each in topic.readers}
    receives = {
        f"{each}.receives.{letters.name}": _operation("receive", letters)
        for each in letters.readers
    }
    return sends | receives


def _operation(action: str, topic: TopicSpec) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}


def _schemas() -> dict[str, Any]:
    """Return all models; tuples are written as draft-07 does, which is AsyncAPI's own dialect."""
    models = dict.fromkeys(topic.schema for topic in CATALOG)
    _, document = models_json_schema(
        [(model, "validation") for model in models], ref_template=SCHEMAS + "{model}"
    )
    schemas = _draft_07(document["$defs"])
    assert isinstance(schemas, dict)
    return schemas


def _draft_07(node: Any) -> Any:
    if isinstance(node, Mapping):
        renamed = {("items" if key == "prefixItems" else key): node[key] for key in node}
        return {key: _draft_07(value) for key, value in renamed.items()}
    if isinstance(node, list):
        return [_draft_07(value) for value in node]
    return node
