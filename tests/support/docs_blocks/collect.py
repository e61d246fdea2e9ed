"""Markdown pages -> code blocks with their language, place and marker."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

_FENCE = re.compile(r"^ *(`{3,}|~{3,})\s*([\w+-]*)[^`]*$")
_MARKER = re.compile(r"^\s*<!--\s*run:\s*(.+?)\s*-->\s*$")
_COMMENT = re.compile(r"^\s*<!--.*-->\s*$")
REASON_CHARACTERS_MIN = 15
GENERATED = "docs/generated/"  # compared with the code by `docs check`


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its fence, ``marker`` what stands behind ``run:``."""

    path: Path
    line: int
    language: str
    text: str
    marker: str = ""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.marker in {"needs=stack", "alone"}

    @property
    def reason(self) -> str:
        """Why it is not run; empty when nothing says so."""
        word, _, reason = self.marker.partition(",")
        return reason.strip() if word == "no" else ""


def pages(root: Path) -> list[Path]:
    """Return the pages whose blocks count, below ``root``."""
    fixed = [root / "README.md", root / "CONTRIBUTING.md", root / "ARCHITECTURE.md"]
    found = [*fixed, *sorted((root / "docs").rglob("*.md"))]
    return [path.relative_to(root) for path in found if path.exists()]


def blocks_of(root: Path, paths: Iterable[Path]) -> list[Block]:
    """Return the blocks of pages that people wrote."""
    return [
        block
        for path in paths
        if not path.as_posix().startswith(GENERATED)
        for block in blocks_in(path, (root / path).read_text(encoding="utf-8"))
    ]


def blocks_in(path: Path, text: str) -> list[Block]:
    """Return the blocks of one page."""
    found: list[Block] = []
    marker, opened = "", None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened = (number, fence.group(1), fence.group(2).lower())
            inside = []
        elif opened is not None and line.strip() == opened[1]:
            found.append(Block(path, opened[0], opened[2], dedent("\n".join(inside)), marker))
            marker, opened = "", None
        elif opened is not None:
            inside.append(line)
        elif line.strip():
            said = _MARKER.match(line)
            if said or not _COMMENT.match(line):  # other comments may stand between
                marker = said.group(1) if said else ""
    if opened is not None:
        found.append(Block(path, opened[0], "unclosed", "\n".join(inside), marker))
    return found
