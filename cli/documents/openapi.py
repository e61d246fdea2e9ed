"""Routes of the API -> OpenAPI 3.1, as the server itself answers on ``/openapi.json``.

``docs/contract`` keeps the document of every release. Within one major version the document of now
must not break a client that was made for the newest of them.
"""

import json
from pathlib import Path
from typing import Any

from api.contract.changes import breaking_changes
from api.openapi import API_VERSION, document

RELEASES = Path("docs/contract")
NAME = "openapi-{version}.json"


def openapi_text() -> str:
    """Return ``docs/generated/openapi.json``."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def release_path(version: str = API_VERSION) -> Path:
    """Return where the document of a released version is kept."""
    return RELEASES / NAME.format(version=version)


def last_release(root: Path, version: str = API_VERSION) -> Path | None:
    """Return the newest released document of the same major version, None without one."""
    major = _parts(version)[0]
    found = {
        _parts(path.stem.removeprefix("openapi-")): path
        for path in (root / RELEASES).glob(NAME.format(version="*"))
    }
    return max(((parts, path) for parts, path in found.items() if parts[0] == major),
               default=(None, None))[1]  # fmt: skip


def broken_promises(root: Path, described: dict[str, Any] | None = None) -> list[str]:
    """Return what the document of now breaks of the last release below ``root``."""
    released = last_release(root)
    if released is None:
        return []
    return breaking_changes(
        json.loads(released.read_text(encoding="utf-8")), described or document()
    )


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
