"""Spectral, an npm package that lints OpenAPI documents: installed from its lock file, and run.

It lives in ``tests/contract/spectral/node_modules``, which git ignores.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.services import skip_or_fail

FOLDER = Path(__file__).resolve().parents[1] / "contract" / "spectral"
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
INSTALLED = FOLDER / "node_modules" / ".package-lock.json"
TIMEOUT_S = 300


def install() -> None:
    """Install what the lock file says, unless that is done already."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip_or_fail(f"Spectral needs {program}\napt-get install nodejs npm")
    lock = FOLDER / "package-lock.json"
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(
        INSTALL, cwd=FOLDER, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        skip_or_fail(
            f"Spectral could not be installed: {done.stderr[-1000:]}\n"
            f"cd tests/contract/spectral && {' '.join(INSTALL)}"
        )
    INSTALLED.touch()


def lint(document: dict[str, Any], folder: Path) -> list[str]:
    """Return one line a finding of any severity: the rule, and where."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document))
    done = subprocess.run(
        [
            str(FOLDER / "node_modules/.bin/spectral"), "lint", str(path), "--format", "json",
            "--ruleset", str(FOLDER / "ruleset.yaml"), "--fail-severity", "hint", "--quiet",
        ],
        cwd=FOLDER, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    findings = json.loads(done.stdout or "[]")
    assert (done.returncode == 1) == bool(findings), done.stderr
    return [f"{each['code']} at {'/'.join(map(str, each['path']))}" for each in findings]
