"""Names that must be declared: topics, environment variables, metrics."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.rules.files import Source, strings

TOPIC = re.compile(r"(?<![\w.-])[a-z]+\.[a-z]+(?:-[a-z]+)*\.v[0-9]+(?:\.dlq)?(?![\w-])")
OWN_VARIABLE = re.compile(r"\bMEDIA_GATEWAY_[A-Z0-9_]+\b")
# Read by software that we start or by our own tests, not by ``Settings``.
OTHER_VARIABLES = {
    "MEDIA_GATEWAY_BENCH_CONTESTANT",  # a benchmark hands its configuration to its children
    "PROMETHEUS_MULTIPROC_DIR",  # prometheus_client: several API processes, one /metrics
}


def unknown_topics(text: str, known: Iterable[str]) -> list[str]:
    """Return topic-shaped words of ``text`` that the catalogue lacks."""
    return sorted(set(TOPIC.findall(text)) - set(known))


def unknown_topics_in_code(source: Source, known: Iterable[str]) -> list[str]:
    """Return topic-shaped words in the string constants of a module that the catalogue lacks."""
    names = set(known)
    return [
        f"{source.path}: {name}" for text in strings(source.tree) for name in
        unknown_topics(text, names)
    ]  # fmt: skip


def typed_topics(source: Source, known: Iterable[str]) -> list[str]:
    """Return topic names that a module spells out instead of taking them from the catalogue."""
    names = set(known)
    return [f"{source.path}: {text}" for text in strings(source.tree) if text in names]


def unknown_variables(text: str, settings: Iterable[str]) -> list[str]:
    """Return names that look like our environment variables but are no setting."""
    return sorted(set(OWN_VARIABLE.findall(text)) - set(settings) - OTHER_VARIABLES)


def environment_reads(source: Source) -> list[str]:
    """Return reads of a named environment variable: only ``Settings.from_env`` may do that."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            target = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = (
                node.func.value if node.func.attr in {"get", "setdefault", "pop"} else node.func
            )
        else:
            continue
        if ast.unparse(target) in {"os.environ", "environ", "os.getenv", "getenv"}:
            found.append(f"{source.path}:{node.lineno}: {ast.unparse(node)}")
    return found


def used_names(sources: Iterable[Source], module: str) -> set[str]:
    """Return the attributes of ``module`` (``package.module``) that the sources mention."""
    parent, _, leaf = module.rpartition(".")
    return {name for source in sources for name in _used(source.tree, parent, leaf, module)}


def _used(tree: ast.Module, parent: str, leaf: str, module: str) -> Iterator[str]:
    alias = None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == parent:
            alias = next((i.asname or i.name for i in node.names if i.name == leaf), alias)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {alias, module}:
            yield node.attr


def module_name(path: Path) -> str:
    """Return the dotted name of a module below the root."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
