"""Generated documents are up to date, well-formed, and a changed byte is noticed."""

import json
import re
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from cli.docs import GENERATED, documents, stale
from cli.documents.asyncapi import DEAD_LETTER_HEADERS, asyncapi
from cli.documents.json_schemas import schema_paths
from cli.documents.topics import flow
from cli.main import main
from domain.catalogue.mappers.registry import MAPPERS
from domain.dead_letters import DLQ, Failure, Origin, letter_headers, redrive_headers
from domain.partner_limits import LIMITS_OF_TIERS
from domain.tiers import TIERS
from infra.settings import Settings
from tests.architecture.rules.files import ROOT, sources, strings
from tests.support.docs_blocks.shell import shell_problems
from topics.catalog import CATALOG, PROGRESS

PREFIX = "MEDIA_GATEWAY_"
ASYNCAPI_SCHEMA = ROOT / "tests/contract/asyncapi/schema-3.0.0.json"


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    """All documents as the code makes them now."""
    return documents()


def test_committed_documents_are_up_to_date(texts: dict[Path, str]) -> None:
    assert stale(ROOT, texts) == [], "run `make docs`"


def test_documents_are_the_same_every_time(texts: dict[Path, str]) -> None:
    assert documents() == texts


def test_a_changed_byte_a_missing_and_an_unknown_document_are_noticed(
    texts: dict[Path, str], tmp_path: Path
) -> None:
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert stale(tmp_path, texts) == []
    changed, missing, unknown = GENERATED / "topics.md", GENERATED / "cli.md", GENERATED / "x.md"
    (tmp_path / changed).write_text(texts[changed].replace("T", "t", 1), encoding="utf-8")
    (tmp_path / missing).unlink()
    (tmp_path / unknown).write_text("left over")
    assert stale(tmp_path, texts) == sorted([changed, missing, unknown])


def test_docs_check_says_what_to_do() -> None:
    result = CliRunner().invoke(main, ["docs", "check"])
    assert result.exit_code == 0, result.output
    assert "are up to date" in result.output


def test_every_topic_setting_and_command_is_documented(texts: dict[Path, str]) -> None:
    topics_page = texts[GENERATED / "topics.md"]
    for topic in CATALOG:
        assert f"`{topic.name}`" in topics_page
    assert set(schema_paths()) <= set(texts)
    assert "KAFKA_BOOTSTRAP_SERVERS" in texts[GENERATED / "settings.md"]
    assert "media-gateway docs check" in texts[GENERATED / "cli.md"]


def test_help_texts_have_no_unread_escapes(texts: dict[Path, str]) -> None:
    """In a raw docstring click's ``\\b`` stays two characters and the examples run together."""
    assert "\\b" not in texts[GENERATED / "cli.md"]


def test_examples_of_help_texts_use_commands_options_and_mappers_that_exist(
    texts: dict[Path, str],
) -> None:
    lines = [line.strip() for line in texts[GENERATED / "cli.md"].splitlines()]
    examples = "\n".join(line for line in lines if EXAMPLE.match(line))
    assert examples.count("\n") > 50
    assert _example_problems(examples) == []
    assert _example_problems("media-gateway partner create x --mapper y --teir z") == [
        "media-gateway ... --teir: no such option", "no mapper y",
    ]  # fmt: skip


SETTING = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`")


def test_the_page_of_the_http_edge_names_settings_that_exist() -> None:
    text = (ROOT / "docs/http-edge.md").read_text(encoding="utf-8")
    known = {item.metadata["env"].removeprefix(PREFIX) for item in fields(Settings)} | {PREFIX}
    named = set(SETTING.findall(text))
    assert len(named) > 10
    assert named <= known


def test_the_pages_say_the_rates_of_the_tiers() -> None:
    free, pro, enterprise = (LIMITS_OF_TIERS[tier].deliveries_per_s for tier in TIERS)
    edge = (ROOT / "docs/http-edge.md").read_text(encoding="utf-8")
    assert f"free {free}, pro {pro}, enterprise {enterprise}" in edge
    guide = (ROOT / "docs/partners.md").read_text(encoding="utf-8")
    assert f"{free} a second in the tier free, {pro} in pro, {enterprise} in enterprise" in guide


EXAMPLE = re.compile(r"(\w+=\$\()?media-gateway ")
MAPPER = re.compile(r"--mapper ([a-z][a-z-]*)")


def _example_problems(examples: str) -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    group = main
    assert isinstance(group, click.Group)
    problems = shell_problems(examples, makefile, group, runs=True)
    return problems + [f"no mapper {n}" for n in MAPPER.findall(examples) if n not in MAPPERS]


def test_the_flow_chart_shows_every_writer_and_reader() -> None:
    chart = flow(CATALOG, ())
    assert chart.startswith("flowchart LR\n")
    assert "  api --> playback_progress_events_v1" in chart
    assert chart.count("-->") == sum(1 + len(topic.readers) for topic in CATALOG)


def _asyncapi_problems(document: dict[str, object]) -> list[str]:
    """Validate against the official schema of AsyncAPI 3.0.0, and resolve every reference."""
    validator = Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text()))
    problems = [error.message for error in validator.iter_errors(document)]
    return problems + [ref for ref in _references(document) if not _resolves(ref, document)]


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []


def _resolves(reference: str, document: object) -> bool:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def test_asyncapi_is_valid() -> None:
    assert _asyncapi_problems(asyncapi()) == []


def test_invalid_asyncapi_is_found() -> None:
    document = asyncapi()
    first = next(iter(document["operations"].values()))
    first["action"] = "publish"
    assert _asyncapi_problems(document) != []
    document = asyncapi()
    next(iter(document["operations"].values()))["channel"]["$ref"] = "#/channels/nowhere"
    assert _asyncapi_problems(document) == ["#/channels/nowhere"]
    document = asyncapi()
    del document["info"]["version"]
    assert _asyncapi_problems(document) != []


def test_asyncapi_names_the_headers_that_dead_letters_really_carry() -> None:
    written = {
        text for source in sources(("domain",)) for text in strings(source.tree)
        if text.startswith("dlq.") and text != DLQ
    }  # fmt: skip
    assert written == set(DEAD_LETTER_HEADERS)


@pytest.mark.parametrize("redriven", [False, True])
def test_a_dead_letter_has_the_headers_that_asyncapi_requires(redriven: bool) -> None:
    origin, failure = Origin(PROGRESS.name, 0, 1), Failure("agent", "rule", "detail")
    again = redrive_headers(letter_headers(origin, 0, (), failure)) if redriven else ()
    channel = asyncapi()["channels"][PROGRESS.dead_letter_name]
    schema = channel["messages"]["DeadLetter"]["headers"]
    carried = {
        name for name, _ in letter_headers(origin, 0, again, failure) if name.startswith(DLQ)
    }
    assert set(schema["required"]) <= carried <= set(schema["properties"])


def test_openapi_is_valid(texts: dict[Path, str]) -> None:
    document = json.loads(texts[GENERATED / "openapi.json"])
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)
    assert "/api/v1/progress" in document["paths"]


def test_invalid_openapi_is_found(texts: dict[Path, str]) -> None:
    document = json.loads(texts[GENERATED / "openapi.json"])
    del document["info"]["title"]
    with pytest.raises(Exception, match="title"):
        validate(document, cls=OpenAPIV31SpecValidator)
