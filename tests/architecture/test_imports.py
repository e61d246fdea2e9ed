"""Who may import whom, and that our folder names mean our folders."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.architecture.rules.files import PACKAGES, ROOT, sources
from tests.architecture.rules.files import source as parsed
from tests.architecture.rules.tidy import client_problems, framework_problems

OURS = "media-gateway"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the contracts of ``folder/pyproject.toml``."""
    command = [
        sys.executable, "-c",
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True))",
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_import_contracts_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("schemas/bad.py", "import infra"),
        ("domain/bad.py", "import topics"),
        ("api/bad.py", "import agents"),
        ("topics/bad.py", "import aiokafka"),
        ("infra/bad.py", "import starlette"),
        ("domain/bad.py", "import time"),
        ("schemas/bad.py", "import random"),
    ],
)
def test_import_contracts_refuse(module: str, statement: str, tmp_path: Path) -> None:
    for source in sources():
        if source.path.name == "__init__.py" or source.path.parts[0] == "agents":
            (tmp_path / source.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / source.path).write_text('"""Empty."""\n')
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / module).write_text(f"{statement}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert module.removesuffix(".py").replace("/", ".") in result.stdout, result.stdout


def test_only_the_runtime_and_the_composition_know_faust() -> None:
    assert [line for source in sources() for line in framework_problems(source)] == []


def test_clients_of_kafka_are_made_in_one_place() -> None:
    assert [line for source in sources() for line in client_problems(source)] == []


def test_a_client_made_elsewhere_is_found() -> None:
    bad = parsed(
        "AIOKafkaProducer(**cluster.keywords())\n"
        "aiokafka.AIOKafkaConsumer('topic')\n"
        "make(bootstrap_servers=settings.kafka_bootstrap_servers)\n"
        "new_producer(cluster, acks='all')\n",
        "agents/trending.py",
    )
    assert [line.split(": ")[0] for line in client_problems(bad)] == [
        "agents/trending.py:1", "agents/trending.py:2", "agents/trending.py:3",
    ]  # fmt: skip
    assert client_problems(bad._replace(path=Path("infra/kafka/cluster.py"))) == []


def test_faust_elsewhere_is_found() -> None:
    bad = parsed("from faust import App\nimport mode.utils\n", "agents/trending.py")
    assert len(framework_problems(bad)) == 2
    assert framework_problems(bad._replace(path=Path("agents/runtime/stream.py"))) == []


def foreign(
    owners: Mapping[str, list[str]], origins: Mapping[str, str | None], root: Path
) -> list[str]:
    """Return our package names that another distribution provides or that resolve elsewhere.

    A wheel may install a top-level ``agents`` or ``schemas`` (``openai-agents`` does the first); in
    an editable installation it would win, silently.
    """
    problems = [
        f"{name} is provided by {owner}"
        for name in PACKAGES
        for owner in sorted(set(owners.get(name, [])) - {OURS})
    ]
    for name in PACKAGES:
        origin = origins[name]
        if origin is None or not Path(origin).resolve().is_relative_to(root):
            problems.append(f"{name} resolves to {origin}")
    return problems


def _origins() -> dict[str, str | None]:
    specs = {name: importlib.util.find_spec(name) for name in PACKAGES}
    return {name: spec.origin if spec else None for name, spec in specs.items()}


def test_our_package_names_mean_this_repository() -> None:
    owners = importlib.metadata.packages_distributions()
    assert foreign(owners, _origins(), ROOT) == []


def test_another_distribution_with_our_name_is_found(tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "site-packages/agents/__init__.py")
    found = foreign({"agents": [OURS, "openai-agents"]}, _origins() | {"agents": elsewhere}, ROOT)
    assert found == ["agents is provided by openai-agents", f"agents resolves to {elsewhere}"]
