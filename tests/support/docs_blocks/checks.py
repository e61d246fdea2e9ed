"""A block -> what is wrong with it, as far as that can be said without running it."""

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import yaml

from api.routes import ENDPOINTS
from cli.main import main
from tests.support.described import pattern_of
from tests.support.docs_blocks.collect import REASON_CHARACTERS_MIN, Block
from tests.support.docs_blocks.shell import shell_problems

ROOT = Path(__file__).resolve().parents[3]
SHELLS = {"sh", "bash", "console", "shell"}
# Languages that are nothing to run, each with the reason.
FOR_PEOPLE = {"formula": "mathematics"}
# Languages of which only running says anything: their blocks need a marker.
ONLY_RUN = {"java", "go", "ruby", "php", "javascript", "js", "sql"}


def problems_of(block: Block) -> list[str]:
    """Return what is wrong; each line begins with the place."""
    return [f"{block.place}: {problem}" for problem in _problems(block)]


def _problems(block: Block) -> list[str]:
    if block.marker and not block.runs and not block.reason:
        return [f"the marker {block.marker!r} is none of needs=stack, alone, and no with a reason"]
    if block.reason:
        if len(block.reason) < REASON_CHARACTERS_MIN:
            return [f"{block.reason!r} is no reason"]
        return [] if block.language not in SHELLS else _shell(block, runs=True)
    if block.language in SHELLS:
        return _shell(block, runs=block.runs)
    if block.language in FOR_PEOPLE:
        return []
    if block.language in ONLY_RUN:
        return [] if block.runs else [f"{block.language} is only right if it runs: add a marker"]
    check = _CHECKS.get(block.language)
    if check is None:
        return [f"a block of {block.language or 'no language'} needs a marker with a reason"]
    return check(block.text)


def _shell(block: Block, *, runs: bool) -> list[str]:
    group = main
    assert isinstance(group, click.Group)
    return shell_problems(block.text, (ROOT / "Makefile").read_text(), group, runs=runs)


def _python(text: str) -> list[str]:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return [f"no Python: {error}"]
    return []


def _json(text: str) -> list[str]:
    try:
        json.loads(text)
    except ValueError as error:
        return [f"no JSON: {error}"]
    return []


def _yaml(text: str) -> list[str]:
    try:
        list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        return [f"no YAML: {error}"]
    return []


def _mermaid(text: str) -> list[str]:
    first = text.strip().partition("\n")[0]
    problems = (
        [] if first.startswith(("flowchart ", "sequenceDiagram", "stateDiagram")) else [first]
    )
    for opening, closing in ("()", "[]", "{}"):
        if text.count(opening) != text.count(closing):
            problems.append(f"{opening} and {closing} do not match")
    return problems


def _http(text: str) -> list[str]:
    """Check that the request of an example is an endpoint."""
    words = text.split(maxsplit=2)
    if len(words) < 2 or words[0] == "HTTP/1.1":
        return []
    path = words[1].partition("?")[0]
    for endpoint in ENDPOINTS:
        if endpoint.method == words[0] and pattern_of(endpoint.path).fullmatch(path):
            return []
    return [f"{words[0]} {path} is no endpoint"]


_CHECKS: Mapping[str, Callable[[str], list[str]]] = {
    "python": _python, "json": _json, "yaml": _yaml, "mermaid": _mermaid, "http": _http,
}  # fmt: skip
