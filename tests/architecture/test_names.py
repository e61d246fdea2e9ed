"""Settings, metrics, commands and links: what is named exists, what exists is used."""

import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import click
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cli.documents.reference import declared_metrics
from infra import metrics
from infra.settings import FILE_SUFFIX, Settings
from tests.architecture.rules.files import PACKAGES, ROOT, sources, texts
from tests.architecture.rules.files import source as parsed
from tests.architecture.rules.names import environment_reads, unknown_variables, used_names
from tests.architecture.rules.prose import broken_links, unknown_commands, unknown_targets

VARIABLES = {item.metadata["env"] for item in fields(Settings)} | {
    item.metadata["env"] + FILE_SUFFIX for item in fields(Settings) if item.metadata["secret"]
}
# Labels with a bounded set of values. An id or a raw path must never become a label; a partner is
# one of those that an operator made, and infra.partner_labels ends their number; a field is
# one that a mapper names.
LABELS = {
    "agent", "cache", "field", "mapper", "method", "model", "outcome", "partition", "partner",
    "quota", "reason", "route", "state", "status", "topic", "type",
}  # fmt: skip
NAME = re.compile(r"mg_[a-z]+(_[a-z]+)+")
UNITS = ("_seconds", "_bytes", "_records")
# ``Settings.from_env`` itself, and a benchmark that hands its configuration to its own children.
READERS_OF_THE_ENVIRONMENT = {"infra/settings.py", "cli/bench/contestant.py"}


def test_every_variable_that_anything_names_is_a_setting() -> None:
    found = [
        f"{path}: {name}" for path, text in texts() for name in unknown_variables(text, VARIABLES)
        if path.parts[0] != "tests"
    ]  # fmt: skip
    assert found == []


def test_an_unknown_variable_is_found() -> None:
    text = "MEDIA_GATEWAY_" + "SPEED=9 and MEDIA_GATEWAY_PORT=1"
    assert unknown_variables(text, VARIABLES) == ["MEDIA_GATEWAY_" + "SPEED"]


def test_only_settings_read_the_environment() -> None:
    found = [
        line for source in sources() for line in environment_reads(source)
        if str(source.path) not in READERS_OF_THE_ENVIRONMENT
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    "statement", ["os.environ['PORT']", "os.environ.get('PORT')", "os.getenv('PORT', '1')"]
)
def test_reads_of_the_environment_are_found(statement: str) -> None:
    assert len(environment_reads(parsed(f"import os\nx = {statement}\n"))) == 1
    assert environment_reads(parsed("import os\nx = Settings.from_env(os.environ)\n")) == []


def metric_problems(declared: list[object]) -> list[str]:
    """Return metrics without meaning, unit or bounded labels."""
    problems = []
    for metric in declared:
        family = next(iter(metric.describe()))  # type: ignore[attr-defined]
        if len(family.documentation) < 10:
            problems.append(f"{family.name}: no meaning")
        unitless = family.type == "histogram" and not family.name.endswith(UNITS)
        if not NAME.fullmatch(family.name) or unitless:
            problems.append(f"{family.name}: not mg_<noun>_<unit>")
        unbounded = set(metric._labelnames) - LABELS  # type: ignore[attr-defined]
        problems += [f"{family.name}: label {label} is not bounded" for label in unbounded]
    return problems


def test_every_metric_has_meaning_unit_and_bounded_labels() -> None:
    declared = declared_metrics()
    assert len(declared) > 10
    assert metric_problems(list(declared)) == []


def test_a_careless_metric_is_found() -> None:
    registry = CollectorRegistry()
    careless = [
        Counter("requests", "Requests", ["path"], registry=registry),
        Gauge("mg_model_age_seconds", "Age of the thing", registry=registry),
        Histogram("mg_step_time", "Time of one step", registry=registry),
    ]
    assert metric_problems(list(careless)) == [
        "requests: no meaning",
        "requests: not mg_<noun>_<unit>",
        "requests: label path is not bounded",
        "mg_step_time: not mg_<noun>_<unit>",
    ]


def test_every_metric_is_measured_somewhere() -> None:
    declared = {name for name, value in vars(metrics).items() if value in declared_metrics()}
    used = used_names(sources(("agents", "api", "infra")), "infra.metrics")
    assert sorted(declared - used) == []


def test_uses_of_a_module_are_found() -> None:
    modules = [
        parsed("from infra.metrics import A as B\n"),
        parsed("from infra import metrics as m\nm.C.inc()\n"),
        parsed("import infra.metrics\ninfra.metrics.D.inc()\n"),
    ]
    assert used_names(modules, "infra.metrics") == {"A", "C", "D"}


def test_every_make_target_and_command_that_a_document_names_exists() -> None:
    from cli.main import main

    makefile = (ROOT / "Makefile").read_text()
    found = []
    for path, text in texts(suffixes=(".md",)):
        found += [f"{path}: make {name}" for name in unknown_targets(text, makefile)]
        found += [f"{path}: media-gateway{name}" for name in unknown_commands(text, main)]
    assert found == []


def test_unknown_targets_and_commands_are_found() -> None:
    root = click.Group(commands=[click.Group("topics", commands=[click.Command("list")])])
    text = "Run `make tests` or `make demo`.\n$ media-gateway topics list x\n`media-gateway topic`"
    assert unknown_targets(text, "demo: setup\n") == ["tests"]
    assert unknown_commands(text, root) == [" topic"]


def test_links_between_documents_resolve() -> None:
    found = [
        line for path, text in texts(suffixes=(".md",)) for line in broken_links(path, text, ROOT)
    ]
    assert found == []


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One two\n")
    text = "[x](a.md) [y](b.md) [z](a.md#one-two) [w](a.md#three) [h](https://example.com)"
    assert broken_links(Path("i.md"), text, tmp_path) == [
        "i.md: b.md does not exist",
        "i.md: a.md#three has no such heading",
    ]


def unindexed(folder: Path) -> list[str]:
    """Return decision records that their index does not link."""
    index = (folder / "README.md").read_text()
    return [path.name for path in sorted(folder.glob("[0-9]*.md")) if f"({path.name})" not in index]


def test_every_decision_is_in_the_index_and_has_a_status() -> None:
    folder = ROOT / "docs/adr"
    assert unindexed(folder) == []
    for path in folder.glob("[0-9]*.md"):
        text = path.read_text()
        missing = [word for word in ("Status:", "## Context", "## Decision", "## Consequences")
                   if word not in text]  # fmt: skip
        assert missing == [], path.name


def test_a_decision_outside_the_index_is_found(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("[one](0001-one.md)")
    for name in ("0001-one.md", "0002-two.md"):
        (tmp_path / name).write_text("# Decision")
    assert unindexed(tmp_path) == ["0002-two.md"]


def test_every_committed_json_file_is_json() -> None:
    for path, text in texts(suffixes=(".json",)):
        assert json.loads(text) is not None, path


def test_no_module_imports_relatively_or_works_at_import() -> None:
    calls = {"create_app", "run", "connect", "start", "basicConfig"}
    for source in sources(PACKAGES):
        for node in source.tree.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                name = ast.unparse(node.value.func).split(".")[-1]
                assert name not in calls, f"{source.path}:{node.lineno}"
