"""What documents promise: links, make targets, commands."""

import re
from collections.abc import Iterable
from pathlib import Path

import click

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_MAKE = re.compile(r"(?:`|^|\$ |&& )make ([a-z][a-z-]*)", re.MULTILINE)
_COMMAND = re.compile(r"(?:`|^|\$ |/)media-gateway((?: [a-z][a-z-]*)+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def broken_links(path: Path, text: str, root: Path) -> list[str]:
    """Return relative links of a Markdown file whose file or heading does not exist."""
    problems = []
    for target in _LINK.findall(_FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        linked = (root / path).parent / name if name else root / path
        if not linked.exists():
            problems.append(f"{path}: {target} does not exist")
        elif heading and heading not in _anchors(linked.read_text(encoding="utf-8")):
            problems.append(f"{path}: {target} has no such heading")
    return problems


def _anchors(text: str) -> set[str]:
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unknown_targets(text: str, makefile: str) -> list[str]:
    """Return make targets that ``text`` names and the Makefile lacks."""
    return sorted(set(_MAKE.findall(text)) - set(_TARGET.findall(makefile)))


def unknown_commands(text: str, root: click.Group) -> list[str]:
    """Return ``media-gateway`` commands that ``text`` names and the command tree lacks."""
    return sorted(
        words for words in set(_COMMAND.findall(text)) if not _exists(words.split(), root)
    )


def _exists(words: Iterable[str], command: click.Command) -> bool:
    """Follow the words down the tree; words after a leaf are its arguments."""
    for word in words:
        if not isinstance(command, click.Group):
            return True
        child = command.get_command(click.Context(command), word)
        if child is None:
            return False
        command = child
    return True
