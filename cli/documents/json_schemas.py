"""Catalogue -> one JSON Schema a topic, committed so that a change of a model shows as a change."""

import json
from pathlib import Path
from typing import Any

from schemas.compatibility import breaking_changes
from topics.catalog import CATALOG
from topics.spec import TopicSpec

DIRECTORY = Path("schemas/json")
EXAMPLES = Path("schemas/examples")


def location(topic: TopicSpec) -> Path:
    """Return ``<topic without version>/v<n>``, the place of a topic's schema and examples."""
    stem, version = topic.name.rsplit(".", 1)
    return Path(stem) / version


def json_schema(topic: TopicSpec) -> dict[str, Any]:
    """Return the schema that a reader of ``topic`` validates against."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **topic.schema.model_json_schema(),
    }


def schema_text(topic: TopicSpec) -> str:
    """Return the committed form of a topic's schema."""
    return json.dumps(json_schema(topic), indent=2) + "\n"


def schema_paths() -> dict[Path, TopicSpec]:
    """Return the place of every schema below the repository root."""
    return {DIRECTORY / location(topic).with_suffix(".json"): topic for topic in CATALOG}


def incompatible(root: Path) -> list[str]:
    """Return what the models break compared with the committed schemas below ``root``."""
    problems = []
    for path, topic in schema_paths().items():
        if (root / path).exists():
            committed = json.loads((root / path).read_text())
            changes = breaking_changes(committed, json_schema(topic))
            problems += [f"{topic.name}: {change}" for change in changes]
    return problems
