"""The files of the repository, without what tools and runs leave behind."""

import ast
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("agents", "api", "cli", "domain", "infra", "schemas", "topics")
_SKIPPED = {
    ".git", ".venv", "__pycache__", "node_modules", "build", "dist", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".hypothesis", ".import_linter_cache",
}  # fmt: skip
_BINARY = {".db", ".gz", ".ico", ".onnx", ".png", ".woff2", ".zip"}


class Source(NamedTuple):
    """One Python file: its path below the root, its text and its tree."""

    path: Path
    text: str
    tree: ast.Module


def files(root: Path = ROOT, below: Iterable[str] = (".",)) -> Iterator[Path]:
    """Yield files below ``root``, sorted, as relative paths."""
    for start in below:
        for folder, names, leaves in os.walk(root / start):
            names[:] = sorted(
                n for n in names if n not in _SKIPPED and not n.endswith(("-data", ".egg-info"))
            )
            yield from ((Path(folder) / leaf).relative_to(root) for leaf in sorted(leaves))


def texts(root: Path = ROOT, suffixes: Iterable[str] = ()) -> Iterator[tuple[Path, str]]:
    """Yield (path, text) of every text file, or of those with one of ``suffixes``."""
    wanted = set(suffixes)
    for path in files(root):
        if path.suffix in _BINARY or (wanted and path.suffix not in wanted):
            continue
        yield path, (root / path).read_text(encoding="utf-8")


def sources(below: Iterable[str] = PACKAGES) -> tuple[Source, ...]:
    """Return the parsed Python files below the given folders."""
    return tuple(source for folder in below for source in _parsed_folder(folder))


@cache
def _parsed_folder(folder: str) -> tuple[Source, ...]:
    paths = [path for path in files(below=(folder,)) if path.suffix == ".py"]
    found = [(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths]
    return tuple(Source(path, text, ast.parse(text)) for path, text in found)


def source(text: str, path: str = "sample.py") -> Source:
    """Parse a sample, for tests of the rules themselves."""
    return Source(Path(path), text, ast.parse(text))


def strings(tree: ast.AST) -> Iterator[str]:
    """Yield every string constant, docstrings and parts of f-strings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
