"""The lock file of the jars: read strictly, compared with every byte, complete."""

import hashlib
import threading
from pathlib import Path

import pytest

from infra.embedded.errors import KafkaStartError
from infra.embedded.jars import (
    KAFKA_VERSION,
    LOCK_FILE,
    Jar,
    download,
    ensure_jars,
    format_lock,
    read_lock,
    verify,
)


def a_jar(content: bytes = b"jar") -> Jar:
    return Jar("org.example", "thing", "1.0", hashlib.sha256(content).hexdigest())


def cached(cache_dir: Path, jar: Jar, content: bytes) -> Path:
    path = cache_dir / f"kafka-{KAFKA_VERSION}" / jar.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_committed_lock_names_the_broker_and_no_address() -> None:
    jars = read_lock()
    assert ("kafka_2.13", KAFKA_VERSION) in {(jar.artifact, jar.version) for jar in jars}
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert "://" not in LOCK_FILE.read_text()
    assert format_lock(jars) == LOCK_FILE.read_text()


def test_cached_jars_with_the_right_bytes_are_used_without_network(tmp_path: Path) -> None:
    jar = a_jar()
    path = cached(tmp_path, jar, b"jar")
    assert ensure_jars(tmp_path, [jar]) == [path]


def test_other_bytes_in_the_cache_are_refused(tmp_path: Path) -> None:
    jar = a_jar()
    path = cached(tmp_path, jar, b"tampered")
    with pytest.raises(KafkaStartError, match=f"{path} has SHA-256 .* delete the file"):
        ensure_jars(tmp_path, [jar])


def test_one_flipped_bit_is_refused(tmp_path: Path) -> None:
    content = bytearray(b"x" * 10_000)
    path = tmp_path / "thing.jar"
    path.write_bytes(content)
    jar = a_jar(bytes(content))
    verify(jar, path)
    content[5_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(KafkaStartError, match="SHA-256"):
        verify(jar, path)


@pytest.mark.parametrize(
    "line", ["org.example:thing:1.0", "org.example:thing:1.0 abc", "../x:thing:1.0 " + "0" * 64]
)
def test_line_that_cannot_be_read_is_refused(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "lock"
    lock.write_text(line + "\n")
    with pytest.raises(KafkaStartError, match="cannot be read"):
        read_lock(lock)


def test_empty_lock_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text("# nothing\n")
    with pytest.raises(KafkaStartError, match="lists no jar"):
        read_lock(lock)


def test_stopping_ends_the_downloads_before_they_start(tmp_path: Path) -> None:
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(KafkaStartError, match="stopped while its jars were fetched"):
        download([a_jar()], tmp_path / "jars", stopped)


def test_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KafkaStartError, match="cannot be stored"):
        download([a_jar()], tmp_path / "file" / "jars", threading.Event())
