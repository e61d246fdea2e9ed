"""Texts that are wanted -> jobs of the sentence encoder, which runs in another process.

What agents that encode have in common. The newest text is encoded first, in small jobs: one that
came now waits for one job and not for the backlog of a whole catalogue. What was published is read
back at start, so that a text that did not change is not encoded again.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.embedding import pack, text_hash
from infra.encoder_files import EncoderFiles, EncoderUnavailableError, find_encoder
from infra.metrics import (
    EMBEDDING_MODEL_PRESENT,
    EMBEDDING_PENDING,
    EMBEDDING_SECONDS,
    EMBEDDING_TEXTS,
)
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.encoder import Encoder

logger = logging.getLogger(__name__)

JOB_TEXTS = 16  # under 0.5 s: a new text waits for the job in hand and shares the next one
NICENESS = 10  # a backlog takes what the stream agents leave


class Wanted(NamedTuple):
    """What is, or is to be, published under a key."""

    text_hash: str  # "": of another encoder
    row: bool = False  # whether it has neighbours of its own


class Encoded(NamedTuple):
    """What the encoding process hands back: vectors as they travel, in the order of the texts."""

    vectors: list[str]
    seconds: float


class Finished(NamedTuple):
    """What is to be published after a job: packed vectors by key, and the keys to take back."""

    vectors: dict[str, str]
    gone: list[str]


def encode_job(files: EncoderFiles, threads: int, texts: Sequence[str]) -> Encoded:
    """Encode texts; the model stays loaded in this process from job to job."""
    encoder = _loaded(files, threads)
    started = time.perf_counter()
    vectors = [pack(vector) for vector in encoder.encode(texts)]
    return Encoded(vectors, time.perf_counter() - started)


@cache
def _loaded(files: EncoderFiles, threads: int) -> "Encoder":
    from infra.encoder import Encoder  # here: the process that only follows topics does without

    return Encoder(files, threads)


def nothing_to_encode() -> Encoded:
    """Stand for a job of removals alone."""
    return Encoded([], 0.0)


class Backlog:
    """Knows the wanted and the published text of each key; the difference is the work.

    Without an encoder it says so once and never has work. ``changed`` is asked for the first time
    when all topics were read whole.

    Args:
        agent: for whom; the label of the metrics.
        settings: where the encoder is.
        has_row: whether a row of neighbours is published under a key.
    """

    def __init__(
        self, agent: str, settings: Settings, has_row: Callable[[str], bool] = lambda key: False
    ) -> None:
        self._agent = agent
        self._threads = settings.embedding_threads
        self._files = _find(agent, settings)
        self._has_row = has_row
        self._wanted: dict[str, Wanted] = {}
        self._published: dict[str, str] = {}  # key -> hash published; "" of another encoder
        self._pending: dict[str, str] = {}  # key -> text, the newest last
        self._orphans: set[str] = set()  # published keys that are to be taken back
        self._in_job: dict[str, Wanted] = {}  # what is wanted of those being encoded
        self.following = False  # whether what was published before is known

    @property
    def encoder(self) -> str | None:
        """Version of the encoder; None without one."""
        return None if self._files is None else self._files.version

    def wanted(self, key: str) -> Wanted:
        """Return what is wanted under a key that is."""
        return self._wanted[key]

    def want(self, key: str, text: str, *, row: bool = False) -> None:
        """Take a text in: it is encoded unless its vector is published or on its way."""
        self._pending.pop(key, None)
        self._orphans.discard(key)
        wanted = self._wanted[key] = Wanted(text_hash(text), row)
        if not self.following or wanted not in (self._known(key), self._in_job.get(key)):
            self._pending[key] = text

    def forget(self, key: str) -> None:
        """Want nothing under a key any more: its vector is taken back."""
        self._pending.pop(key, None)
        self._wanted.pop(key, None)
        if key in self._published:
            self._orphans.add(key)

    def read_back(self, key: str, encoder: str | None, digest: str = "") -> None:
        """Take in what was published: encoder and hash of the text; None: a tombstone."""
        if encoder is None:
            self._published.pop(key, None)
        else:
            self._published[key] = digest if encoder == self.encoder else ""

    def settle(self, others: Collection[str] = ()) -> None:
        """Compare what is wanted with what is published, once all was read whole.

        ``others`` are keys under which something else is published than a vector.
        """
        self.following = True
        self._pending = {
            key: text
            for key, text in self._pending.items()
            if self._wanted[key] != self._known(key)
        }
        self._orphans = (self._published.keys() | set(others)) - self._wanted.keys()

    def _known(self, key: str) -> Wanted | None:
        """Return what is published under a key; None: nothing, or a row without its vector."""
        digest = self._published.get(key)
        return None if digest is None else Wanted(digest, self._has_row(key))

    def has_work(self) -> bool:
        """Whether a text waits to be encoded, or a vector to be taken back."""
        return bool(self._pending or self._orphans)

    def count(self) -> None:
        """Show how many texts wait."""
        EMBEDDING_PENDING.labels(self._agent).set(len(self._pending))

    def job(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the encoding of the newest waiting texts."""
        newest = [self._pending.popitem() for _ in range(min(JOB_TEXTS, len(self._pending)))]
        self._in_job = {key: self._wanted[key] for key, _ in newest}
        if not newest:
            return nothing_to_encode, ()
        return encode_job, (self._files, self._threads, [text for _, text in newest])

    def finish(self, result: Encoded) -> Finished:
        """Return the vectors that are still wanted, and what nobody wants any more."""
        EMBEDDING_TEXTS.labels(self._agent).inc(len(result.vectors))
        self.count()
        if result.vectors:
            EMBEDDING_SECONDS.labels(self._agent).observe(result.seconds)
        fresh = {  # not removed or changed while it was encoded
            key: vector
            for (key, wanted), vector in zip(self._in_job.items(), result.vectors, strict=True)
            if self._wanted.get(key) == wanted
        }
        gone = sorted(self._orphans)
        self._published.update({key: self._wanted[key].text_hash for key in fresh})
        for key in gone:
            self._published.pop(key, None)
        self._orphans.clear()
        self._in_job = {}
        return Finished(fresh, gone)


def _find(agent: str, settings: Settings) -> EncoderFiles | None:
    present = EMBEDDING_MODEL_PRESENT.labels(agent)
    try:
        files = find_encoder(settings)
    except EncoderUnavailableError as problem:
        logger.error("%s encodes nothing, everything else works: %s", agent, problem)
        present.set(0)
        return None
    logger.info("%s uses encoder %s of %s", agent, files.version, files.model.parent)
    present.set(1)
    return files
