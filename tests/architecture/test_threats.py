"""Every threat of the threat model has a test, and that test exists."""

import ast
import re

from tests.architecture.rules.files import ROOT

PAGE = ROOT / "docs/threat-model.md"
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def threats(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (threat, its references as (file, test)) of every row of every table."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    found = []
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if cells[0] == "Threat" or set(cells[0]) == {"-"}:
            continue
        found.append((cells[0], REFERENCE.findall(cells[-1])))
    return found


def problems(text: str) -> list[str]:
    """Return rows without a test and references to tests that are not there."""
    lacking = []
    for threat, references in threats(text):
        if not references:
            lacking.append(f"{threat}: no test")
        lacking += [f"{threat}: no {path}::{name}" for path, name in references
                    if not exists(path, name)]  # fmt: skip
    return lacking


def exists(path: str, name: str) -> bool:
    file = ROOT / path
    if not name or not file.exists():
        return False
    tree = ast.parse(file.read_text())
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return any(isinstance(node, functions) and node.name == name for node in ast.walk(tree))


def test_every_threat_has_a_test_that_exists() -> None:
    text = PAGE.read_text()
    assert len(threats(text)) >= 15
    assert problems(text) == []


def test_a_missing_test_is_found() -> None:
    rows = (
        "| Threat | What stops it | Test |\n| --- | --- | --- |\n"
        "| a | b | later |\n"
        "| c | d | `tests/architecture/test_threats.py::test_gone` |\n"
        "| e | f | `tests/architecture/test_threats.py` |\n"
        "| g | h | `tests/architecture/test_threats.py::test_a_missing_test_is_found` |\n"
    )
    assert problems(rows) == [
        "a: no test",
        "c: no tests/architecture/test_threats.py::test_gone",
        "e: no tests/architecture/test_threats.py::",
    ]
