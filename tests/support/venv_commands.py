"""Commands that the locked packages bring, found beside the interpreter that runs the tests."""

import sys
from pathlib import Path


def venv_command(name: str) -> str:
    """Return the path of an installed command.

    Raises:
        FileNotFoundError: the package is not installed in the environment of the tests.
    """
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: run `make setup`")
    return str(path)
