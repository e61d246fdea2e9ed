"""Raw files of the embedded broker: what is on the disk, whether or not a consumer can see it.

Segments are searched as they are, and rather too much is found than too little: a byte before or
behind the id may be a length that looks like a character of ids (``Word.count_in_file``). Our
producers do not compress; in a topic whose records are compressed the id would not be found here,
only by ``topics``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from infra.privacy.words import Word

CHUNK_BYTES = 8 * 1024 * 1024
OVERLAP_BYTES = 256  # longer than an id with what stands before and behind it


class FileFinding(NamedTuple):
    """One file that holds the id, and how often."""

    path: Path
    times: int


def search_files(folders: Iterable[Path], word: Word) -> Iterator[FileFinding]:
    """Search every file below the folders; what disappears meanwhile is left out."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            try:
                times = _count(path, word) if path.is_file() else 0
            except FileNotFoundError:  # Kafka removed it
                continue
            if times:
                yield FileFinding(path, times)


def _count(path: Path, word: Word) -> int:
    """Count the id in a file; one that two chunks share may count twice."""
    times, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            times += word.count_in_file(tail + chunk)
            tail = chunk[-OVERLAP_BYTES:] if len(chunk) == CHUNK_BYTES else b""
    return times
