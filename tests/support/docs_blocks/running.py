"""Runs blocks: shells and programs in a scratch folder, with the running stack as their own.

What a block exports stays for the blocks after it on the same page. ``media-gateway`` means the
stack of the tests, and so does http://127.0.0.1:8080 in the text. Every block finds ``KEY``, the
key of an app, ``PARTNER`` and ``SECRET``, those of a partner, and ``URL`` of the API.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.docs_blocks.checks import SHELLS
from tests.support.docs_blocks.collect import Block
from tests.support.shared_stack import ENVIRONMENT, PARTNER, SharedStack

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 120
DOCUMENTED_URLS = ("http://127.0.0.1:8080", "http://localhost:8080")


@dataclass(frozen=True)
class Runtime:
    """How a language is run: the program, what it is called with, the name of the file."""

    program: str
    arguments: tuple[str, ...]
    file: str
    package: str


RUNTIMES = {
    "python": Runtime(sys.executable, (), "block.py", "python3"),
    "javascript": Runtime("node", (), "block.mjs", "nodejs"),
    "js": Runtime("node", (), "block.mjs", "nodejs"),
    "java": Runtime("java", (), "Block.java", "default-jdk-headless"),
    "go": Runtime("go", ("run",), "block.go", "golang-go"),
    "ruby": Runtime("ruby", (), "block.rb", "ruby"),
    "php": Runtime("php", (), "block.php", "php-cli"),
}


class Session:
    """The blocks of one page, run one after the other."""

    def __init__(self, folder: Path, stack: SharedStack | None) -> None:
        self.folder = folder
        self.stack = stack
        self.exported = folder / ".exported"
        self._write_command()

    def run(self, block: Block) -> subprocess.CompletedProcess[str]:
        """Run a block; return what became of it.

        Raises:
            FileNotFoundError: its runtime is not installed; the message says what to install.
        """
        text = block.text
        for url in DOCUMENTED_URLS:
            text = text.replace(url, self.stack.url if self.stack else url)
        if block.language in SHELLS:
            return self._bash(text.replace(".venv/bin/media-gateway", "media-gateway"))
        if block.language == "sql":
            return self._bash(f"media-gateway-sql <<'END_OF_SQL'\n{text}\nEND_OF_SQL\n")
        runtime = RUNTIMES[block.language]
        if shutil.which(runtime.program) is None:
            raise FileNotFoundError(f"{runtime.program}: apt-get install {runtime.package}")
        (self.folder / runtime.file).write_text(text)
        words = (runtime.program, *runtime.arguments, runtime.file)
        return self._bash(shlex.join(words))

    def _bash(self, script: str) -> subprocess.CompletedProcess[str]:
        kept = shlex.quote(str(self.exported))
        whole = (
            f"set -euo pipefail\n[ -f {kept} ] && source {kept}\n"
            f"trap 'export -p > {kept}' EXIT\nset -a\n{script}\n"
        )
        return subprocess.run(
            ["bash", "-c", whole], cwd=self.folder, env=self._environment(), capture_output=True,
            text=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        given = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        if self.stack is not None:
            given |= ENVIRONMENT | {
                "URL": self.stack.url, "KEY": self.stack.key,
                "PARTNER": PARTNER, "SECRET": self.stack.secret,
                "MEDIA_GATEWAY_DATA_DIR": str(self.stack.up.data_dir),
            }  # fmt: skip
        return {**given, "PYTHONPATH": str(ROOT), "GOCACHE": str(self.folder / "go-cache")}

    def _write_command(self) -> None:
        """Put ``media-gateway`` and ``media-gateway-sql`` on the path."""
        (self.folder / "bin").mkdir(parents=True, exist_ok=True)
        python = shlex.quote(sys.executable)
        for name, module in (
            ("media-gateway", "cli.main"),
            ("media-gateway-sql", "tests.support.docs_blocks.sql"),
        ):
            path = self.folder / "bin" / name
            path.write_text(f'#!/bin/sh\nexec {python} -m {module} "$@"\n')
            path.chmod(0o755)
