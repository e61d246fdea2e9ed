"""Files that a page names: they must exist."""

import re
from pathlib import Path

_NAMED = re.compile(
    r"(?<![\w./<{*-])((?:agents|api|cli|docs|domain|grafana|infra|schemas|tests|topics|\.ci)/"
    r"[\w./-]*\w\.(?:py|md|json|toml|ya?ml|sql|lock|sh|csv))(?![\w/{<*])"
)


def missing_files(path: Path, text: str, root: Path) -> list[str]:
    """Return the files of the repository that a page names and that are not there."""
    named = sorted(set(_NAMED.findall(text)))
    return [
        f"{path}: {name} does not exist"
        for name in named
        if not (root / name).exists() and not (root / path.parent / name).exists()
    ]
