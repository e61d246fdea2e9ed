"""Sizes, names, statements of folders, no traces of one machine; each rule can fail."""

import ast
import doctest
import importlib
import types
from pathlib import Path

import pytest

from tests.architecture.rules.files import PACKAGES, ROOT, files, sources, texts
from tests.architecture.rules.files import source as parsed
from tests.architecture.rules.names import module_name
from tests.architecture.rules.tidy import (
    machine_paths,
    size_problems,
    statement_problem,
    vague_names,
)

FOLDERS_WITH_README = (
    "docs", "docs/adr", "grafana", "infra/docker", "schemas/examples", "tests",
)  # fmt: skip
# Folders of plain files below a package; the package's statement covers them.
PLAIN_FOLDERS = {"migrations"}


def test_modules_and_functions_can_be_read_in_one_go() -> None:
    found = [line for source in sources((*PACKAGES, "tests")) for line in size_problems(source)]
    assert found == []


def test_long_modules_and_functions_are_found() -> None:
    body = "\n".join(f"    x = {number}" for number in range(401))
    assert size_problems(parsed(f"def f():\n{body}\n")) == [
        "sample.py: 402 lines",
        "sample.py: f has 402 lines",
    ]


def test_names_of_modules_say_something() -> None:
    paths = [path for path in files(below=(*PACKAGES, "tests")) if path.suffix == ".py"]
    assert vague_names(paths) == []


def test_vague_names_are_found() -> None:
    paths = [Path("api/utils.py"), Path("infra/helpers/x.py"), Path("domain/trending.py")]
    assert vague_names(paths) == ["api/utils.py", "infra/helpers/x.py"]


def test_every_folder_says_what_lives_there() -> None:
    problems = []
    for folder in _package_folders():
        init = ROOT / folder / "__init__.py"
        statement = ast.get_docstring(ast.parse(init.read_text())) if init.exists() else None
        problems.append(statement_problem(str(folder), statement, whole=len(folder.parts) == 1))
    for name in FOLDERS_WITH_README:
        readme = ROOT / name / "README.md"
        statement = readme.read_text() if readme.exists() else None
        problems.append(statement_problem(name, statement, whole=True))
    assert [problem for problem in problems if problem] == []


def _package_folders() -> list[Path]:
    found = {path.parent for path in files(below=PACKAGES) if path.suffix == ".py"}
    return sorted(folder for folder in found if folder.name not in PLAIN_FOLDERS)


@pytest.mark.parametrize("statement", [None, "Things.", "Lives here: all of it. " * 5])
def test_a_missing_or_half_statement_is_found(statement: str | None) -> None:
    assert statement_problem("api", statement, whole=True) is not None


def test_examples_in_docstrings_are_true() -> None:
    with_examples = [source for source in sources(PACKAGES) if ">>> " in source.text]
    tried = 0
    for source in with_examples:
        module = importlib.import_module(module_name(source.path))
        result = doctest.testmod(module)
        assert result.failed == 0, source.path
        tried += result.attempted
    assert tried >= len(with_examples) > 0


def test_a_wrong_example_is_found() -> None:
    module = types.ModuleType("sample", ">>> 1 + 1\n3\n")
    assert doctest.testmod(module, report=False).failed == 1


def test_no_file_names_a_folder_of_one_machine() -> None:
    found = [line for path, text in texts() for line in machine_paths(path, text)]
    assert found == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("DATA = '/" + "home/ada/data'", True),
        ("cd /" + "work/main", True),
        ("see /" + "work", True),
        ("agents/worker and a /" + "home page", True),
        ("api/home/x, /workers, https://host/home/x", False),
    ],
)
def test_machine_paths_are_found(line: str, caught: bool) -> None:
    assert bool(machine_paths(Path("x.py"), line)) is caught
