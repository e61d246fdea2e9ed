"""A command on a terminal of its own: what it shows, and what a person types."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60.0


class Terminal:
    """Runs ``media-gateway ARGUMENTS``; what is typed is echoed unless the command says not to."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self._descriptor, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.output = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(30)
        os.close(self._descriptor)

    def expect(self, text: str) -> str:
        """Wait until the command shows ``text``; return what it showed since the last one."""
        deadline = time.monotonic() + TIMEOUT_S
        while (found := self.output.find(text, self._seen)) < 0:
            assert time.monotonic() < deadline, f"no {text!r} in {self.output!r}"
            assert self._read(), f"ended without {text!r}: {self.output!r}"
        shown = self.output[self._seen : found]
        self._seen = found + len(text)
        return shown

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._descriptor, line.encode() + b"\n")

    def wait(self) -> int:
        """Wait for the end; return the exit status."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._read():
            assert time.monotonic() < deadline, f"still running: {self.output!r}"
        return self._process.wait(30)

    def _read(self) -> bool:
        """Take what is shown next; False when the command has closed its terminal."""
        ready, _, _ = select.select([self._descriptor], [], [], 1.0)
        if not ready:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux: nobody has the other end any more
            return False
        self.output += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
