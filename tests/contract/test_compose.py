"""docker-compose.kafka.yml and the Dockerfile: valid, and made of things that exist."""

import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from agents.registry import REGISTRY
from agents.spec import FitAgent, FollowAgent
from cli.main import main
from infra.settings import Settings
from tests.architecture.rules.files import ROOT

COMPOSE = ROOT / "docker-compose.kafka.yml"
DOCKERFILE = ROOT / "infra/docker/Dockerfile"
SETTINGS = {item.metadata["env"] for item in fields(Settings)}
OURS = "media-gateway:"
PYTHON_VARIABLES = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "NUMBA_CACHE_DIR"}
PIP_VARIABLES = {"PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"}
Document = dict[str, Any]


def load(text: str) -> Document:
    """Parse compose YAML, anchors and merges resolved."""
    document = yaml.safe_load(text)
    assert isinstance(document, dict)
    return document


def schema_errors(path: Path) -> str:
    """Return what the schema of the Compose specification says, empty when it is satisfied."""
    command = [
        sys.executable, "-m", "check_jsonschema",
        "--builtin-schema", "vendor.compose-spec", str(path),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode and "validation errors" not in result.stdout:  # it crashes with 1 too
        raise AssertionError(f"check-jsonschema did not run: {result.stderr[-2000:]}")
    return result.stdout if result.returncode else ""


def problems(document: Document) -> list[str]:
    """Return references to services, volumes, settings and commands that do not exist."""
    found = []
    for name, service in document["services"].items():
        for other, condition in service.get("depends_on", {}).items():
            found += _dependency_problems(document, name, other, condition["condition"])
        for volume in service.get("volumes", []):
            if volume.split(":")[0] not in document["volumes"]:
                found.append(f"{name}: volume {volume} is not declared")
        if "healthcheck" not in service and not service["image"].startswith(OURS):
            found.append(f"{name}: no health check")
        if service["image"].startswith(OURS):
            found += [f"{name}: {text}" for text in _our_problems(service)]
        elif service["image"].endswith(":latest") or ":" not in service["image"]:
            found.append(f"{name}: image without a version")
    return found + _agent_problems(document)


def _agent_problems(document: Document) -> list[str]:
    """Every agent runs somewhere, and a fit, which needs all partitions, once."""
    running = Counter(
        agent
        for service in document["services"].values()
        if service.get("command", [])[1:2] == ["--agents"]
        for agent in service["command"][2].split(",")
    )
    known = {spec.name: spec for spec in REGISTRY}
    found = [f"{name} is no agent" for name in running if name not in known]
    found += [f"{name} runs nowhere" for name in known if name not in running]
    return found + [
        f"{name} runs {running[name]} times"
        for name, spec in known.items()
        if isinstance(spec, FitAgent | FollowAgent) and running[name] > 1
    ]


def _dependency_problems(document: Document, name: str, other: str, condition: str) -> list[str]:
    if other not in document["services"]:
        return [f"{name}: depends on {other}, which does not exist"]
    ends = document["services"][other].get("restart") == "no"
    if ends != (condition == "service_completed_successfully"):
        return [f"{name}: waits for {other} to be {condition}"]
    return []


def _our_problems(service: Document) -> list[str]:
    found = [
        f"{variable} is no setting"
        for variable in service.get("environment", {})
        if variable not in SETTINGS
    ]
    words = service["command"]
    options = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    command = _command(words[:options])
    if command is None:
        found.append(f"{' '.join(words)} is no command")
    if not (ROOT / service["build"]["dockerfile"]).exists():
        found.append("no such Dockerfile")
    return found


def _command(words: list[str]) -> click.Command | None:
    command: click.Command | None = main
    for word in words:
        if not isinstance(command, click.Group):
            return None
        command = command.get_command(click.Context(command), word)
    return None if isinstance(command, click.Group) else command


def test_compose_satisfies_the_specification() -> None:
    assert schema_errors(COMPOSE) == ""


def test_an_unknown_key_is_found(tmp_path: Path) -> None:
    document = load(COMPOSE.read_text())
    document["services"]["api"]["healthchek"] = {}
    (tmp_path / "compose.yml").write_text(yaml.safe_dump(document))
    assert "healthchek" in schema_errors(tmp_path / "compose.yml")


def test_compose_is_made_of_things_that_exist() -> None:
    assert problems(load(COMPOSE.read_text())) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("kafka: { condition: service_healthy }", "kafak: { condition: service_healthy }",
         "topics: depends on kafak"),
        ("MEDIA_GATEWAY_METRICS_PORT", "MEDIA_GATEWAY_METRIC_PORT",
         "METRIC_PORT is no setting"),
        ("[topics, apply]", "[topics, create]", "topics create is no command"),
        ("[worker, --agents, \"cat", "[workers, --agents, \"cat", "is no command"),
        ("serving-slates,", "", "serving-slates runs nowhere"),
        ("*streams", "[worker, --agents, \"watch-states,co-watch\"]", "co-watch runs 2 times"),
        ("watch-states,", "watch-state,", "watch-state is no agent"),
        ("apache/kafka:4.3.0", "apache/kafka:latest", "image without a version"),
        ("[kafka:/var", "[kafka-data:/var", "kafka-data:/var/lib/kafka/data is not declared"),
        ("service_completed_successfully", "service_started", "waits for topics"),
        ("infra/docker/Dockerfile", "infra/Dockerfile", "no such Dockerfile"),
    ],
)  # fmt: skip
def test_a_broken_compose_file_is_found(before: str, after: str, problem: str) -> None:
    text = COMPOSE.read_text()
    assert before in text
    assert any(problem in line for line in problems(load(text.replace(before, after))))


def test_kafka_creates_no_topics_by_itself_and_is_kraft() -> None:
    kafka = load(COMPOSE.read_text())["services"]["kafka"]["environment"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert kafka["KAFKA_PROCESS_ROLES"] == "broker,controller"


def dockerfile_problems(text: str) -> list[str]:
    """Return what the image must not lack: pinned bases, hashes, a user, a health check."""
    found = []
    stages = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]
    if len(stages) < 2:
        found.append("one stage only")
    bases = [stage.split()[1] for stage in stages]
    found += [f"base {base} without a version" for base in bases if ":" not in base]
    last = stages[-1]
    if not re.search(r"^USER [1-9]", last, re.MULTILINE):
        found.append("runs as root")
    if "HEALTHCHECK" not in last:
        found.append("no health check")
    installs = re.findall(r"pip install [^\n]*-r [^\n]*", text)
    found += [line for line in installs if "--require-hashes" not in line]
    copied = re.findall(r"^COPY (?!--from)([^\n]+)", text, re.MULTILINE)
    sources = [name for line in copied for name in line.split()[:-1]]
    found += [f"copies {name}, which does not exist" for name in sources if not _exists(name)]
    names = set(re.findall(r"\b([A-Z][A-Z_]+)=", "\n".join(_environment_lines(text))))
    unknown = names - SETTINGS - PYTHON_VARIABLES - PIP_VARIABLES
    return found + [f"{name} is no setting" for name in sorted(unknown)]


def _exists(name: str) -> bool:
    return (ROOT / name).exists()


def _environment_lines(text: str) -> list[str]:
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith("ENV ")]


def test_dockerfile_is_pinned_hashed_and_not_root() -> None:
    assert dockerfile_problems(DOCKERFILE.read_text()) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("USER 10001", "", "runs as root"),
        ("HEALTHCHECK", "LABEL health=", "no health check"),
        ("--require-hashes", "", "-r requirements-runtime.lock"),
        ("MEDIA_GATEWAY_HOST", "MEDIA_GATEWAY_ADDRESS", "MEDIA_GATEWAY_ADDRESS is no setting"),
        ("COPY cli ", "COPY client ", "copies client"),
        ("python:3.11-slim-bookworm", "python", "without a version"),
    ],
)
def test_a_careless_dockerfile_is_found(before: str, after: str, problem: str) -> None:
    text = DOCKERFILE.read_text()
    assert before in text
    assert any(problem in line for line in dockerfile_problems(text.replace(before, after)))
