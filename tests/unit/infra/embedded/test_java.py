"""Which Java is used, and what is said about one that is too old."""

from pathlib import Path

import pytest

from infra.embedded.errors import KafkaStartError
from infra.embedded.java import JAVA_MAJOR_MIN, bundled_java, find_java, java_major, parse_major


def a_java(home: Path, version: str) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch(mode=0o755)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return java


@pytest.mark.parametrize(
    ("version", "major"), [("17.0.15", 17), ("1.8.0_402", 8), ("25", 25), ("21-ea", 21)]
)
def test_major_version(version: str, major: int) -> None:
    assert parse_major(version) == major


def test_too_old_java_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KafkaStartError, match=r"is Java 11; Kafka needs Java 17 or newer$"):
        find_java(a_java(tmp_path, "11.0.2"))


def test_something_else_is_not_java(tmp_path: Path) -> None:
    other = tmp_path / "java"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    with pytest.raises(KafkaStartError, match="no Java that runs"):
        find_java(other)


def test_new_enough_java_is_used(tmp_path: Path) -> None:
    java = a_java(tmp_path, f"{JAVA_MAJOR_MIN}.0.1")
    assert find_java(java) == java


def test_old_system_java_gives_way_to_the_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(a_java(tmp_path, "11.0.2").parent))
    assert find_java() == bundled_java()


def test_bundled_java_is_new_enough() -> None:
    assert (java_major(bundled_java()) or 0) >= JAVA_MAJOR_MIN
